-- Ids as people write them: lower-case hex.
CREATE MACRO trace_hex(t) AS replace(CAST(t AS VARCHAR), '-', '');
CREATE MACRO span_hex(s) AS lpad(lower(to_hex(s)), 16, '0');
