-- Messages: each is written in the transaction that decides on it, and tried until it is sent or given up.
CREATE TABLE IF NOT EXISTS outbox (
    number     BIGINT NOT NULL,     -- in the order of decisions
    id         VARCHAR NOT NULL,    -- the same in every attempt, so that receivers can tell
    notifier   VARCHAR NOT NULL,
    group_key  VARCHAR NOT NULL,
    labels     VARCHAR NOT NULL,    -- JSON object, of the group
    reason     VARCHAR NOT NULL,    -- new | grown | resolved | partly resolved | repeat
    firing     VARCHAR NOT NULL,    -- JSON list of episodes
    resolved   VARCHAR NOT NULL,    -- JSON list of episodes
    payload    VARCHAR,             -- JSON, as every channel shows it; NULL: not composed yet
    state      VARCHAR NOT NULL,    -- waiting | sent | dead
    attempts   INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL,  -- UTC
    next_at    TIMESTAMP NOT NULL,  -- UTC, of the next attempt
    sent_at    TIMESTAMP,           -- UTC
    problem    VARCHAR              -- of the last attempt; never holds a secret
);
