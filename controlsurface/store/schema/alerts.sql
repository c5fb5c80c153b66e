-- What is known of each alert: all that a restart must not forget. Written in one transaction with its notification.
CREATE TABLE IF NOT EXISTS alerts (
    rule              VARCHAR NOT NULL,   -- the rule's name, unique among all rules
    labels            VARCHAR NOT NULL,   -- JSON object, keys sorted; with the rule it says which alert
    state             VARCHAR NOT NULL,   -- pending | firing | resolved
    active_at         TIMESTAMP NOT NULL, -- UTC: the first evaluation in breach
    fired_at          TIMESTAMP,
    resolved_at       TIMESTAMP,
    keep_firing_since TIMESTAMP,          -- the first evaluation no longer in breach, while it keeps firing
    seen_at           TIMESTAMP NOT NULL, -- when there was last enough data to judge
    annotations       VARCHAR NOT NULL,   -- JSON object of texts
    slice             VARCHAR NOT NULL,   -- JSON object: dimensions and their values, null: unknown
    breach            BOOLEAN,            -- NULL: too few events to say
    value             DOUBLE,
    n                 BIGINT,
    low               DOUBLE,
    high              DOUBLE,
    threshold         DOUBLE,             -- what the value was held against
    before            DOUBLE,             -- the value in the baseline
    onset             TIMESTAMP,          -- when the change is estimated to have begun
    evidence          VARCHAR NOT NULL    -- JSON object
);
