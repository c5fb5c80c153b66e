-- The rules in force, in the order of their files, and how their last evaluation went.
CREATE TABLE IF NOT EXISTS alert_rules (
    rule            VARCHAR NOT NULL,
    kind            VARCHAR NOT NULL,  -- threshold | drift | lanes | event | budget | gauge | heartbeat
    group_name      VARCHAR NOT NULL,
    file            VARCHAR NOT NULL,
    position        INTEGER NOT NULL,  -- among all rules
    interval_s      DOUBLE NOT NULL,
    definition      VARCHAR NOT NULL,  -- JSON object, as a rule file would have it
    health          VARCHAR NOT NULL,  -- unknown | ok | err
    last_error      VARCHAR,
    last_evaluation TIMESTAMP,         -- UTC
    evaluation_s    DOUBLE,            -- of the evaluation it was part of
    note            VARCHAR,           -- what it leaves out, such as streams over a limit; NULL: nothing
    origin          VARCHAR,           -- shipped | own; NULL: written by an older version
    override        VARCHAR            -- JSON object: file, line, changes in words, original; NULL: none
);
