-- What a call owes for the time that it kept one of `concurrency` places of own hardware busy, which costs `hour_price` an
-- hour in all, in the currency of that price: whole numbers throughout, rounded half to even at the 12th decimal.
CREATE OR REPLACE MACRO busy_cost(busy_ns, hour_price, concurrency) AS TRY_CAST(TRY_CAST(
    (2 * busy_ns::HUGEINT * CAST(hour_price::DECIMAL(25, 12) * 1000000000000::DECIMAL(13, 0) AS HUGEINT)
        + 3600000000000::HUGEINT * concurrency) // (7200000000000::HUGEINT * concurrency)
    - if((2 * busy_ns::HUGEINT * CAST(hour_price::DECIMAL(25, 12) * 1000000000000::DECIMAL(13, 0) AS HUGEINT)
        + 3600000000000::HUGEINT * concurrency) % (14400000000000::HUGEINT * concurrency)
        = 7200000000000::HUGEINT * concurrency, 1, 0)
    AS DECIMAL(25, 0)) * 0.000000000001::DECIMAL(12, 12) AS DECIMAL(18, 12));
