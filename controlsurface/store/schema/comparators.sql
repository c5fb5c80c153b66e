-- How two answers are compared, by kind of task: what the configuration says, written when a server starts.
CREATE TABLE IF NOT EXISTS comparators (
    task_type  VARCHAR,           -- NULL: every other kind
    kind       VARCHAR NOT NULL,  -- exact | text | number | json | judge
    tolerance  DOUBLE NOT NULL,   -- numbers (and judges' scores) no further apart agree
    fields     VARCHAR[] NOT NULL,-- json: paths of what is compared
    evaluation VARCHAR,           -- judge: name of the evaluation that scores both answers
    described  VARCHAR NOT NULL   -- in words, with tolerance and version
);
