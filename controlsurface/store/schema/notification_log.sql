-- What each notifier was last told about a group.
CREATE TABLE IF NOT EXISTS notification_log (
    group_key VARCHAR NOT NULL,
    notifier  VARCHAR NOT NULL,
    firing    VARCHAR[] NOT NULL,  -- keys of episodes
    resolved  VARCHAR[] NOT NULL,
    "at"      TIMESTAMP NOT NULL   -- UTC; a reserved word, so always quoted
);
