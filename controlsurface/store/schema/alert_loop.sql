-- One row: the loop that evaluates rules.
CREATE TABLE IF NOT EXISTS alert_loop (
    loaded_at    TIMESTAMP NOT NULL, -- UTC: when the rules in force were read
    problem      VARCHAR,            -- why newer files are not in force
    evaluated_at TIMESTAMP,          -- the last moment that was evaluated and stored
    lag_s        DOUBLE,             -- from that moment until it was stored
    evaluations  BIGINT NOT NULL,    -- since the store was made
    failed       BIGINT NOT NULL,    -- rules that failed, each time they did
    missed       BIGINT NOT NULL,    -- moments that passed without an evaluation while the loop ran
    clock_steps  BIGINT DEFAULT 0,   -- how often the machine's clock was set, since the store was made
    clock_problem VARCHAR,           -- how it is away from where it should be
    doubts       VARCHAR             -- what is odd in the files in force, such as an override without its rule
);
