-- Every version of the routing policy, oldest first; the one with the highest version is in force.
CREATE TABLE IF NOT EXISTS policies (
    version     INTEGER NOT NULL,    -- 1, 2, ...
    policy_id   VARCHAR NOT NULL,    -- of this row alone: tells our own change from another's of the same version
    "at"        TIMESTAMP NOT NULL,  -- UTC
    who         VARCHAR NOT NULL,
    why         VARCHAR NOT NULL,
    restores    INTEGER,             -- a rollback: the version whose settings came back
    settings    VARCHAR NOT NULL,    -- JSON: thresholds and tiers per task type, context guard
    evidence    VARCHAR NOT NULL     -- JSON: what was known of the effects at that time
);
