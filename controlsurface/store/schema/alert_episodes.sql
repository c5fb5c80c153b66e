-- Alerts as delivery has taken them over: one row an episode, written in the transaction of the transition itself.
CREATE TABLE IF NOT EXISTS alert_episodes (
    key       VARCHAR NOT NULL,    -- hash of rule, labels and onset
    labels    VARCHAR NOT NULL,    -- JSON object
    starts_at TIMESTAMP NOT NULL,  -- UTC, when it fired
    ends_at   TIMESTAMP,           -- UTC; NULL: it fires
    facts     VARCHAR NOT NULL     -- JSON: what the rule knew last
);
