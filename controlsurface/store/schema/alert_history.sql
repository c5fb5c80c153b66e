-- Every change of an alert's state, in order of time.
CREATE TABLE IF NOT EXISTS alert_history (
    "at"   TIMESTAMP NOT NULL, -- UTC: the evaluation that found it
    rule   VARCHAR NOT NULL,
    labels VARCHAR NOT NULL,   -- JSON object, keys sorted
    was    VARCHAR,            -- state before; NULL: there was no alert
    state  VARCHAR,            -- state after; NULL: a pending alert went away
    value  DOUBLE,
    n      BIGINT,
    onset  TIMESTAMP
);
