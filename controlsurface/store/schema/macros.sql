-- Ids as people write them: lower-case hex.
CREATE OR REPLACE MACRO trace_hex(t) AS replace(CAST(t AS VARCHAR), '-', '');
CREATE OR REPLACE MACRO span_hex(s) AS lpad(lower(to_hex(s)), 16, '0');
-- A token count: a whole number, also as text or as a double; anything else (negative, true, 1.5) is not one.
CREATE OR REPLACE MACRO to_count(x) AS TRY_CAST(regexp_extract(x, '^([0-9]{1,15})(\.0+)?$', 1) AS BIGINT);
-- A finite number; two digits of exponent are enough for money, times and confidences.
CREATE OR REPLACE MACRO to_number(x) AS TRY_CAST(regexp_extract(x, '^[-+]?[0-9.]+([eE][-+]?[0-9]{1,2})?$') AS DOUBLE);
CREATE OR REPLACE MACRO to_flag(x) AS CASE lower(x) WHEN 'true' THEN TRUE WHEN 'yes' THEN TRUE WHEN '1' THEN TRUE
    WHEN 'false' THEN FALSE WHEN 'no' THEN FALSE WHEN '0' THEN FALSE END;
-- One name for one model: without provider prefix (openai/x), without date (x-2026-01-01, x-20260101, x@20260101).
CREATE OR REPLACE MACRO model_name(x) AS regexp_replace(regexp_extract(x, '[^/]+$'), '[-@](20[0-9]{2}-[0-9]{2}-[0-9]{2}|20[0-9]{6})$', '');
-- A confidence on its kind's scale: rounding errors are clamped, what is off a bounded scale is NULL.
CREATE OR REPLACE MACRO on_scale(x, kind) AS CASE
    WHEN kind IN ('score', 'entropy') THEN x
    WHEN kind = 'cosine' AND abs(x) <= 1 + 1e-9 THEN greatest(-1, least(1, x))
    WHEN x BETWEEN -1e-9 AND 1 + 1e-9 THEN greatest(0, least(1, x))
END;
-- How many requests one sampled request stands for.
CREATE OR REPLACE MACRO weight_of(rate) AS CASE WHEN rate > 0 AND rate <= 1 THEN least(1 / rate, 1e6) ELSE 1 END;
-- A Unix time in nanoseconds that a clock can show: after 2000, before 2200.
CREATE OR REPLACE MACRO possible(ns) AS ns BETWEEN 946684800000000000 AND 7258118400000000000;
-- Whether a span tells what a call used: two zeros and a cost of zero are what clients write that do not know.
CREATE OR REPLACE MACRO carries_usage(input, output, total, cost) AS
    coalesce(input > 0, FALSE) OR coalesce(output > 0, FALSE) OR coalesce(total > 0, FALSE) OR coalesce(cost > 0, FALSE);
-- The cache that had something: exact, semantic, component, embedding, selection, or the sender's word; 'hit' where
-- nobody says. What a call that makes an embedding finds is one.
CREATE OR REPLACE MACRO cache_layer(kind, operation) AS CASE
    WHEN lower(trim(kind)) IN ('embedding', 'embeddings') THEN 'embedding'
    WHEN lower(trim(kind)) IN ('selection', 'route', 'routing', 'router') THEN 'selection'
    WHEN trim(kind) <> '' THEN lower(trim(kind))
    WHEN operation = 'embedding' THEN 'embedding'
    ELSE 'hit'
END;
-- Whether what that cache has can be an answer: an embedding or a choice of a model is none.
CREATE OR REPLACE MACRO layer_answers(layer) AS layer NOT IN ('embedding', 'selection');
-- Whether a router is less sure than its bound asks for, in the direction of the confidence's kind: low entropy is sure.
CREATE OR REPLACE MACRO is_unsure(confidence, kind, threshold) AS CASE
    WHEN kind = 'entropy' THEN confidence > threshold
    ELSE confidence < threshold
END;
-- Of pairs of a key and a weight, all different: the largest weight of each key.
CREATE OR REPLACE MACRO weights_of_keys(pairs) AS list_transform(
    list_filter(
        list_zip(list_sort(pairs), list_slice(list_sort(pairs), 2, len(pairs))),
        lambda pair: pair[2] IS NULL OR pair[1].key <> pair[2].key
    ),
    lambda pair: pair[1].weight
);
-- A text of at most so many characters: a longer one is cut and says so. One that tells rows apart ends in a hash of all.
CREATE OR REPLACE MACRO cut_value(x, most) AS CASE WHEN length(x) > most THEN left(x, most - 1) || '…' ELSE x END;
CREATE OR REPLACE MACRO cut_identifier(x, most) AS
    CASE WHEN length(x) > most THEN left(x, most - 17) || '…' || left(md5(x), 16) ELSE x END;
