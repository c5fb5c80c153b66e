-- An amount in a currency (NULL: USD) by the rate that the user gave for its day, in USD for one of it; NULL without a rate.
CREATE OR REPLACE MACRO in_usd(amount, currency, usd_rate) AS CASE WHEN currency IS NULL THEN amount
    ELSE TRY_CAST(round_even(amount * usd_rate, 12) AS DECIMAL(18, 12)) END;
