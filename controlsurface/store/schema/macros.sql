-- Ids as people write them: lower-case hex.
CREATE MACRO trace_hex(t) AS replace(CAST(t AS VARCHAR), '-', '');
CREATE MACRO span_hex(s) AS lpad(lower(to_hex(s)), 16, '0');
-- What senders write for "nothing" is nothing.
CREATE MACRO clean(x) AS CASE WHEN trim(x) IN ('', 'None', 'null', 'undefined') THEN NULL ELSE trim(x) END;
-- A token count: a whole number, also as text or as a double; anything else (negative, true, 1.5) is not one.
CREATE MACRO to_count(x) AS CASE WHEN regexp_full_match(x, '[0-9]{1,15}(\.0+)?') THEN CAST(split_part(x, '.', 1) AS BIGINT) END;
-- A finite number.
CREATE MACRO to_number(x) AS CASE WHEN isfinite(TRY_CAST(x AS DOUBLE)) THEN TRY_CAST(x AS DOUBLE) END;
CREATE MACRO to_flag(x) AS CASE WHEN lower(x) IN ('true', 'yes', '1') THEN TRUE WHEN lower(x) IN ('false', 'no', '0') THEN FALSE END;
