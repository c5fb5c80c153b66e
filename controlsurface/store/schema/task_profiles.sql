-- What each task type is, as people wrote it down; of each the highest version is in force.
CREATE TABLE IF NOT EXISTS task_profiles (
    task_type          VARCHAR NOT NULL,
    version            INTEGER NOT NULL,    -- 1, 2, ... of this task type
    change_id          VARCHAR NOT NULL,    -- of all rows that were written together
    "at"               TIMESTAMP NOT NULL,  -- UTC
    who                VARCHAR NOT NULL,
    why                VARCHAR NOT NULL,
    removed            BOOLEAN NOT NULL,    -- nobody describes it any more
    output             VARCHAR,             -- what an acceptable answer is
    blast_radius       VARCHAR,             -- low | medium | high: what a wrong answer does
    tier               VARCHAR,             -- the lane that is tried first
    routing_signal     VARCHAR,             -- what the router decides by
    escalation_trigger VARCHAR,             -- when it goes up
    owner              VARCHAR
);
