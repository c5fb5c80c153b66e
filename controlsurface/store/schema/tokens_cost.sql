-- USD times a million for one direction of a call: `first` and `second` are parts of `total` with prices of their own,
-- billed once, at those. NULL (unknown): the total is missing, no price is known for tokens that are there, or the
-- parts exceed the whole.
CREATE OR REPLACE MACRO tokens_cost(total, first, second, price, first_price, second_price) AS (
    CASE
        WHEN price IS NULL THEN CASE WHEN coalesce(total, 0) = 0 THEN 0 END
        WHEN total IS NULL OR total < 0 THEN NULL
        WHEN first_price IS NOT NULL AND coalesce(first, 0) NOT BETWEEN 0 AND total THEN NULL
        WHEN second_price IS NOT NULL
            AND coalesce(second, 0) NOT BETWEEN 0
                AND total::HUGEINT - if(first_price IS NULL, 0, coalesce(first, 0)) THEN NULL
        ELSE total * price
            + if(first_price IS NULL, 0, coalesce(first, 0)) * (coalesce(first_price, price) - price)
            + if(second_price IS NULL, 0, coalesce(second, 0)) * (coalesce(second_price, price) - price)
    END
);
