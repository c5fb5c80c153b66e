-- One row per question put to the router. Derived from spans and recomputed when late spans come.
-- NULL means unknown, everywhere.
CREATE TABLE IF NOT EXISTS requests (
    request_id        VARCHAR NOT NULL,  -- the router's own id, else <trace id>-<span id> of the routed unit
    trace_id          UUID NOT NULL,
    span_id           UBIGINT NOT NULL,  -- root span of the routed unit
    session_id        VARCHAR,
    started_at        TIMESTAMP,         -- UTC
    duration_ms       DOUBLE,
    ttft_ms           DOUBLE,            -- time to first token of the answering attempt
    routing_ms        DOUBLE,            -- from the start of the routing span to the first call for the user's sake
    task_type         VARCHAR,
    router            VARCHAR,
    router_version    VARCHAR,
    reason            VARCHAR,           -- why this lane, in the router's words
    confidence        DOUBLE,            -- on the scale of confidence_kind; off-scale values are NULL here
    confidence_kind   VARCHAR,           -- probability | score | cosine | entropy
    confidence_raw    DOUBLE,            -- as sent
    threshold         DOUBLE,            -- what the confidence was held against
    requested_model   VARCHAR,           -- alias asked for
    selected_model    VARCHAR,           -- the router's choice
    selected_lane     VARCHAR,
    answered_by       VARCHAR,           -- model that answered; NULL when nothing did
    provider          VARCHAR,
    lane              VARCHAR NOT NULL,  -- lane that answered (or was last tried); 'unknown' when not assigned
    escalated         BOOLEAN,           -- lane is an escalation lane; NULL when the lane is unknown
    escalation_kind   VARCHAR,           -- routed | cascaded | fallback
    escalation_reason VARCHAR,
    attempts          INTEGER NOT NULL,  -- user-facing model calls
    failed_attempts   INTEGER NOT NULL,
    steps             INTEGER NOT NULL,  -- all model calls, overhead included
    retries           INTEGER NOT NULL,  -- calls of a model that had failed, or failed its gate, before
    fell_back         BOOLEAN NOT NULL,  -- a call failed and another model was tried
    cache             VARCHAR,           -- what answered in place of a call: exact | semantic | component | hit (kind not said)
    mode              VARCHAR,           -- realtime | batch
    gate              VARCHAR,           -- pass | fail: the answering attempt's output check
    error_type        VARCHAR,           -- NULL: answered
    failed            BOOLEAN NOT NULL,
    input_tokens      BIGINT,            -- cached tokens included
    cached_tokens     BIGINT,
    output_tokens     BIGINT,            -- reasoning tokens included
    reasoning_tokens  BIGINT,
    cost_usd          DECIMAL(18, 12),   -- user-facing attempts, failed ones included; NULL when any is unpriced
    overhead_usd      DECIMAL(18, 12),   -- classifier, embedding, judge and shadow calls of this request
    cost_source       VARCHAR,           -- user | span | genai-prices | cache | mixed; NULL: unpriced
    priced            BOOLEAN NOT NULL,  -- every billable attempt has a price
    tenant            VARCHAR,
    team              VARCHAR,
    job               VARCHAR,
    user_id           VARCHAR,
    environment       VARCHAR,
    service           VARCHAR,
    sample_weight     DOUBLE NOT NULL,   -- 1 / head sampling rate applied upstream
    cache_layers      VARCHAR,           -- caches that had something, comma-separated, whether or not a call followed; NULL: none
    -- what this request costs where nothing else is tried; NULL: no call tells
    own_large_usd     DECIMAL(18, 12),   -- its calls in escalation lanes
    own_small_usd     DECIMAL(18, 12),   -- its calls in other lanes
    shadow_large_usd  DECIMAL(18, 12),   -- mean of the shadow calls in escalation lanes that answer it again
    shadow_small_usd  DECIMAL(18, 12),   -- the same in other lanes
    job_run           VARCHAR,           -- which run of its job; NULL: not said
    architecture      VARCHAR,           -- by [architectures] of the configuration when it was derived; NULL: none of them
    CHECK (coalesce(cached_tokens, 0) <= coalesce(input_tokens, 0)),
    CHECK (coalesce(reasoning_tokens, 0) <= coalesce(output_tokens, 0))
);
