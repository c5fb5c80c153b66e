-- One row per gen_ai.evaluation.result, whether it came as a log record, a span event or both.
CREATE TABLE IF NOT EXISTS evaluations (
    evaluation_id VARCHAR NOT NULL,  -- hash of its content, so that a repeat is the same row
    trace_id      UUID,
    span_id       UBIGINT,
    response_id   VARCHAR,           -- gen_ai.response.id, where the span is not named
    evaluated_at  TIMESTAMP,         -- UTC
    name          VARCHAR NOT NULL,
    score         DOUBLE,
    label         VARCHAR,
    explanation   VARCHAR,           -- only where content storage allows
    error_type    VARCHAR            -- the evaluator itself failed
);
