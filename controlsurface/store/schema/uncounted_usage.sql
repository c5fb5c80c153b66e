-- Spans that carry tokens or a cost and are not counted as a model call: with `attempts`, every such span once.
CREATE TABLE IF NOT EXISTS uncounted_usage (
    trace_id      UUID NOT NULL,
    span_id       UBIGINT NOT NULL,
    started_at    TIMESTAMP NOT NULL,  -- UTC
    service       VARCHAR,
    name          VARCHAR NOT NULL,    -- of the span
    explanation   VARCHAR,             -- wrapper (of counted calls) | part (of a counted call) | cache (repeats the call it saved) |
                                       -- twin (another instrument's span of a counted call);
                                       -- NULL: unexplained
    problem       VARCHAR,             -- of what is unexplained: no_model | more_than_its_calls
    input_tokens  BIGINT,              -- as said
    output_tokens BIGINT,              -- as said
    cost_usd      DOUBLE               -- as said
);
