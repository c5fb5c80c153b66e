-- One row per pair of answers that people may compare: what the user was given, and what another lane answered to the
-- same request. Kept when the calls themselves are gone, for the labels refer to it.
CREATE TABLE IF NOT EXISTS audit_items (
    item_id              VARCHAR NOT NULL,  -- <trace id>-<span id> of the shadow call
    request_id           VARCHAR NOT NULL,
    started_at           TIMESTAMP,         -- of the shadow call, UTC
    task_type            VARCHAR,
    router               VARCHAR,
    router_version       VARCHAR,
    tenant               VARCHAR,
    team                 VARCHAR,
    environment          VARCHAR,
    confidence           DOUBLE,
    threshold            DOUBLE,
    trace_id             UUID NOT NULL,     -- the call that answered the user
    span_id              UBIGINT NOT NULL,
    lane                 VARCHAR NOT NULL,
    model                VARCHAR,
    answer_label         VARCHAR,
    shadow_trace_id      UUID NOT NULL,     -- the call that answered again
    shadow_span_id       UBIGINT NOT NULL,
    shadow_lane          VARCHAR NOT NULL,
    shadow_model         VARCHAR,
    shadow_label         VARCHAR,
    sampling_probability DOUBLE,            -- NULL: unknown
    sample_weight        DOUBLE NOT NULL
);
