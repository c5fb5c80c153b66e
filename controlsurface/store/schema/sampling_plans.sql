-- Which share of which requests is to be shadowed. Plans are added, never changed: the newest version is in force.
CREATE TABLE IF NOT EXISTS sampling_plans (
    version INTEGER NOT NULL,
    made_at TIMESTAMP NOT NULL,  -- UTC
    made_by VARCHAR NOT NULL,    -- who says so
    plan    VARCHAR NOT NULL     -- JSON: all that a client needs
);
