-- Time that people spent on the router: from a timer, told, or from a file.
CREATE TABLE IF NOT EXISTS incidents (
    incident_id VARCHAR NOT NULL PRIMARY KEY,
    started_at  TIMESTAMP NOT NULL,  -- UTC
    ended_at    TIMESTAMP,           -- NULL: its timer runs, unless minutes are told
    minutes     DOUBLE,              -- of all engineers together, as told; NULL: from started_at to ended_at, times people
    people      INTEGER NOT NULL,    -- engineers at work on it
    team        VARCHAR,             -- whose time it is
    note        VARCHAR NOT NULL,
    alert       VARCHAR,             -- the rule that told of it
    slice       VARCHAR[] NOT NULL,  -- what it was about: dimension:value
    recorded_by VARCHAR NOT NULL,
    recorded_at TIMESTAMP NOT NULL   -- UTC
);
