-- One row per model call. Tokens and money are summed here and nowhere else.
-- NULL means unknown, everywhere. The request's dimensions are repeated so that money can be broken down without a join.
CREATE TABLE IF NOT EXISTS attempts (
    attempt_id           VARCHAR NOT NULL,  -- <trace id>-<span id>
    request_id           VARCHAR,           -- NULL: belongs to no request (a router's set-up call)
    trace_id             UUID NOT NULL,
    span_id              UBIGINT NOT NULL,
    started_at           TIMESTAMP,         -- UTC
    duration_ms          DOUBLE,
    ttft_ms              DOUBLE,
    streamed             BOOLEAN,           -- the answer came in parts; NULL: not said
    purpose              VARCHAR NOT NULL,  -- user | classifier | embedding | shadow | judge | compaction | ...
    lane                 VARCHAR NOT NULL,  -- 'unknown' when no rule assigns the model
    model                VARCHAR,           -- normalised name: provider prefix and date suffix removed
    model_raw            VARCHAR,           -- as sent
    provider             VARCHAR,
    finish               VARCHAR,
    error_type           VARCHAR,           -- NULL: succeeded
    failed               BOOLEAN NOT NULL,
    gate                 VARCHAR,           -- pass | fail
    input_tokens         BIGINT,
    cached_tokens        BIGINT,
    cache_write_tokens   BIGINT,
    output_tokens        BIGINT,
    reasoning_tokens     BIGINT,
    cost_usd             DECIMAL(18, 12),   -- NULL: unpriced, never 0 by default
    cost_source          VARCHAR,           -- user | span | genai-prices; NULL: unpriced
    -- parts of cost_usd, known where a price list made it; what they leave is fresh input and the price of a request
    cached_usd           DECIMAL(18, 12),   -- input tokens read from the provider's prompt cache
    output_usd           DECIMAL(18, 12),   -- all output tokens
    reasoning_usd        DECIMAL(18, 12),   -- of output_usd, for reasoning
    -- what more it would have cost by the same list
    cache_saving_usd     DECIMAL(18, 12),   -- had no input token been read from the prompt cache
    batch_saving_usd     DECIMAL(18, 12),   -- of a batch call, in real time; NULL for others
    context_window       BIGINT,            -- tokens that the model reads and writes at most
    context_system       BIGINT,            -- input tokens by origin
    context_retrieved    BIGINT,
    context_history      BIGINT,
    context_tools        BIGINT,
    billable             BOOLEAN NOT NULL,  -- succeeded, or failed with usage reported: something is owed
    answer_label         VARCHAR,
    shadow_of            VARCHAR,           -- request id that a shadow attempt answers again
    sampling_probability DOUBLE,
    -- of the request it belongs to
    task_type            VARCHAR,
    request_lane         VARCHAR,
    escalated            BOOLEAN,
    escalation_kind      VARCHAR,
    escalation_reason    VARCHAR,
    router               VARCHAR,
    router_version       VARCHAR,
    selected_model       VARCHAR,
    answered_by          VARCHAR,
    mode                 VARCHAR,
    cache                VARCHAR,
    tenant               VARCHAR,
    team                 VARCHAR,
    job                  VARCHAR,
    session_id           VARCHAR,
    environment          VARCHAR,
    service              VARCHAR,
    sample_weight        DOUBLE NOT NULL,
    operation            VARCHAR,           -- chat | completion | embedding | rerank | image | audio | moderation | ...; NULL: not said
    has_usage            BOOLEAN,           -- its span carries tokens or a cost
    token_counting       VARCHAR,           -- how it is known what lies inside what: vocabulary | total | arithmetic | assumed | contradicted
    service_tier         VARCHAR,           -- flex | priority | ...; NULL: not said, the provider's default
    cache_write_1h_tokens BIGINT,           -- of cache_write_tokens, those kept for an hour
    audio_input_tokens   BIGINT,            -- of input_tokens
    audio_output_tokens  BIGINT,            -- of output_tokens
    image_input_tokens   BIGINT,            -- of input_tokens
    image_output_tokens  BIGINT,            -- of output_tokens
    cached_audio_tokens  BIGINT,            -- of cached_tokens and of audio_input_tokens
    web_searches         BIGINT,            -- searches that the provider ran for the call and bills apart
    unpriced_parts       VARCHAR,           -- what cost_usd leaves out, since its price list has no price for it, comma-separated
    provider_assumed     BOOLEAN,           -- the price is that of the model wherever it is sold: the provider named is not known
    answered             BOOLEAN,           -- it gave the request its answer; NULL: derived before anybody asked
    price_edition        VARCHAR,           -- the edition of the price book that priced it, and prices it when it is derived again
    span_cost_usd        DOUBLE,            -- what the span says it cost, whether or not that is believed
    request_span         UBIGINT,           -- of the request it belongs to
    request_trace        UUID,              -- of that request, where that is another trace than this one, or over an hour away; NULL: this trace
    currency             VARCHAR,           -- of the price that priced it, where that is not USD
    cost_amount          DECIMAL(18, 12),   -- what it costs in that currency; without a rate to USD, cost_usd is NULL
    job_run              VARCHAR,           -- which run of its job; NULL: not said
    architecture         VARCHAR,           -- of its request
    hardware             VARCHAR,           -- own hardware, paid by the hour, that ran it; its cost is that of its time
    prompt_hash          VARCHAR,           -- the same for calls with the same prompt; NULL: not known
    -- the laws of tokens: parts lie within their whole, and a part whose whole is unknown is part of no sum
    CHECK (coalesce(cached_tokens, 0) + coalesce(cache_write_tokens, 0) <= coalesce(input_tokens, 0)),
    CHECK (coalesce(audio_input_tokens, 0) + coalesce(image_input_tokens, 0) <= coalesce(input_tokens, 0)),
    CHECK (coalesce(cache_write_1h_tokens, 0) <= coalesce(cache_write_tokens, 0)),
    CHECK (coalesce(cached_audio_tokens, 0) <= least(coalesce(cached_tokens, 0), coalesce(audio_input_tokens, 0))),
    CHECK (coalesce(reasoning_tokens, 0) <= coalesce(output_tokens, 0)),
    CHECK (coalesce(audio_output_tokens, 0) + coalesce(image_output_tokens, 0) <= coalesce(output_tokens, 0))
);
