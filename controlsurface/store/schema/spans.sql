-- Every span that was accepted, once, losslessly; beside it what the vocabularies in collectors/ read from it.
-- NULL means unknown, everywhere.
CREATE TABLE IF NOT EXISTS spans (
    trace_id             UUID NOT NULL,
    span_id              UBIGINT NOT NULL,
    parent_span_id       UBIGINT,           -- NULL: a root
    name                 VARCHAR NOT NULL,
    kind                 UTINYINT NOT NULL, -- OTLP enum: 1 internal, 2 server, 3 client, 4 producer, 5 consumer
    start_ns             UBIGINT NOT NULL,  -- as sent, Unix nanoseconds
    end_ns               UBIGINT NOT NULL,  -- as sent
    started_at           TIMESTAMP NOT NULL,-- UTC; when start_ns is impossible: when the span was received
    duration_ms          DOUBLE,            -- NULL when start or end is impossible
    status               UTINYINT NOT NULL, -- OTLP enum: 0 unset, 1 ok, 2 error
    status_message       VARCHAR,
    service              VARCHAR,           -- resource service.name
    around               BLOB NOT NULL USING COMPRESSION zstd,  -- OTLP protobuf ResourceSpans: resource and scope, no spans
    span                 BLOB NOT NULL USING COMPRESSION zstd,  -- OTLP protobuf Span, whole
    received_at          TIMESTAMP NOT NULL,-- UTC
    content_hash         UBIGINT NOT NULL,  -- of around and span: tells a repeat from an enrichment
    -- read by the vocabularies
    vocabularies         VARCHAR,           -- names of those that recognise the span, comma-separated; NULL: none
    invalid              VARCHAR,           -- columns whose attribute is present but unusable, comma-separated
    is_request           BOOLEAN NOT NULL,  -- encloses one routed request
    is_gateway           BOOLEAN NOT NULL,  -- a gateway's SERVER span
    is_decision          BOOLEAN NOT NULL,  -- carries a routing choice for the request around it
    is_dispatch          BOOLEAN NOT NULL,  -- a routing note that makes no request by itself
    is_cache_lookup      BOOLEAN NOT NULL,  -- asks a cache of answers
    is_call              BOOLEAN NOT NULL,  -- names a model call
    is_failed_call       BOOLEAN NOT NULL,  -- a failed call recorded inside its successor
    is_wrapper           BOOLEAN NOT NULL DEFAULT FALSE,  -- by its word an agent, a workflow, a chain or a tool: no call where calls lie below
    request_id           VARCHAR,
    link_id              VARCHAR,           -- shared by the attempts of one request across traces
    task_type            VARCHAR,
    purpose              VARCHAR,
    lane                 VARCHAR,           -- in the sender's words
    router               VARCHAR,
    router_version       VARCHAR,
    reason               VARCHAR,
    confidence           DOUBLE,
    confidence_kind      VARCHAR,
    threshold            DOUBLE,
    escalated            BOOLEAN,
    escalation_reason    VARCHAR,
    fell_back            BOOLEAN,
    requested_model      VARCHAR,
    selected_model       VARCHAR,
    model                VARCHAR,
    provider             VARCHAR,
    finish               VARCHAR,
    error_type           VARCHAR,
    ttft_ms              DOUBLE,
    streamed             BOOLEAN,           -- the answer was asked for in parts; NULL: not said
    input_tokens         BIGINT,
    cached_tokens        BIGINT,
    cache_write_tokens   BIGINT,
    output_tokens        BIGINT,
    reasoning_tokens     BIGINT,
    cost_usd             DOUBLE,            -- in the sender's words
    cache                VARCHAR,
    cache_hit            BOOLEAN,
    mode                 VARCHAR,
    gate                 VARCHAR,
    gate_passed          BOOLEAN,
    answer_label         VARCHAR,
    shadow_of            VARCHAR,
    sampling_probability DOUBLE,
    sample_rate          DOUBLE,            -- head sampling applied upstream
    context_system       BIGINT,            -- input tokens by origin
    context_retrieved    BIGINT,
    context_history      BIGINT,
    context_tools        BIGINT,
    tenant               VARCHAR,
    team                 VARCHAR,
    job                  VARCHAR,
    user_id              VARCHAR,
    session_id           VARCHAR,
    environment          VARCHAR,
    operation            VARCHAR,           -- chat | completion | embedding | rerank | image | audio | moderation | ...
    response_id          VARCHAR,           -- the provider's id of its answer
    service_tier         VARCHAR,           -- flex | priority | ...; NULL: not said, the provider's default
    input_counting       VARCHAR,           -- inclusive | exclusive: whether cached and written tokens lie inside input_tokens
    output_counting      VARCHAR,           -- inclusive | exclusive: whether reasoning lies inside output_tokens
    total_tokens         BIGINT,            -- in the sender's words
    cache_write_1h_tokens BIGINT,           -- of cache_write_tokens, those kept for an hour
    audio_input_tokens   BIGINT,            -- of input_tokens
    audio_output_tokens  BIGINT,            -- of output_tokens
    image_input_tokens   BIGINT,            -- of input_tokens
    image_output_tokens  BIGINT,            -- of output_tokens
    cached_audio_tokens  BIGINT,            -- of cached_tokens and of audio_input_tokens
    web_searches         BIGINT,            -- searches that the provider ran for the call and bills apart
    job_run              VARCHAR,           -- which run of its job
    prompt_hash          VARCHAR            -- the same for calls with the same prompt, as sent, else of texts that are kept whole
);
