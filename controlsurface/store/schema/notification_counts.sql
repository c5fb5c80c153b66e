-- What became of messages since the store was made, a row a notifier. Sent messages themselves are forgotten.
CREATE TABLE IF NOT EXISTS notification_counts (
    notifier VARCHAR PRIMARY KEY,
    sent     BIGINT NOT NULL,     -- messages that were taken
    errors   BIGINT NOT NULL,     -- attempts that failed
    dropped  BIGINT NOT NULL      -- messages that were given up
);
