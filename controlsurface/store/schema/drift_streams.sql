-- What the drift detector knows: one row a stream, that is a proportion of a slice watched by a rule.
CREATE TABLE IF NOT EXISTS drift_streams (
    rule          VARCHAR NOT NULL,    -- name of the alert
    definition    VARCHAR NOT NULL,    -- what is counted, as JSON; a row of another definition is of no use
    part          VARCHAR NOT NULL,    -- rate, or the quantile of the baseline that rows are counted above: p90
    slice         VARCHAR[] NOT NULL,  -- values of the rule's dimensions; NULL: unknown
    anchored_from TIMESTAMP NOT NULL,  -- window of the baseline, UTC; its beginning is when the stream was first seen
    anchored_to   TIMESTAMP,           -- NULL: too young for a baseline
    accepted_at   TIMESTAMP,           -- when this was accepted as normal
    bound         DOUBLE,              -- of a spread: value above which a row is an event
    baseline      DOUBLE[],            -- 48 rates (hour of day, weekends last), overdispersion, n, k, odds tolerated, requests in an hour of each of the 48
    settled_at    TIMESTAMP NOT NULL,  -- the state is that after all buckets before
    state         DOUBLE[]             -- sums, onsets and counts of the detector
);
