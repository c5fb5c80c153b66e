-- Cost of one call in USD: decimal arithmetic, rounded half to even at the last place.
-- NULL: a side is unknown, or the sum is a million USD or more, which is taken for a fault in the tokens.
CREATE OR REPLACE MACRO call_cost(tokens_usd_times_million, other_usd) AS
    TRY_CAST(round_even(tokens_usd_times_million * 0.000001::DECIMAL(7, 6) + other_usd, 12) AS DECIMAL(18, 12));
