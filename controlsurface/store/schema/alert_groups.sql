-- Groups of episodes that make one message.
CREATE TABLE IF NOT EXISTS alert_groups (
    key     VARCHAR NOT NULL,   -- route and labels
    labels  VARCHAR NOT NULL,   -- JSON object
    next_at TIMESTAMP NOT NULL  -- UTC, when it is looked at again
);
