-- The service tier that a sender's word names: flex, priority, ...; NULL for the one a call has when it names none.
CREATE OR REPLACE MACRO service_tier_of(word) AS
    CASE WHEN regexp_replace(replace(lower(trim(word)), '-', '_'), '^(service_tier|traffic_type|on_demand)_?', '')
        NOT IN ('', 'default', 'standard', 'auto', 'standard_only', 'unspecified', 'none', 'null', 'batch')
    THEN regexp_replace(replace(lower(trim(word)), '-', '_'), '^(service_tier|traffic_type|on_demand)_?', '') END;
