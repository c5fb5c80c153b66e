-- Cost in USD of tokens that all have one price. NULL: the count is missing or negative, or there are tokens without a price.
CREATE OR REPLACE MACRO part_cost(tokens, price) AS CASE
    WHEN price IS NULL THEN CASE WHEN coalesce(tokens, 0) = 0 THEN 0 END
    WHEN tokens >= 0 THEN TRY_CAST(round_even(tokens * price * 0.000001::DECIMAL(7, 6), 12) AS DECIMAL(18, 12))
END;
