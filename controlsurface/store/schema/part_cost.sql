-- USD times a million of tokens that are part of others: what their own price adds to the others' price, which they have
-- been billed at. 0 where there are none, or they have no price of their own.
CREATE OR REPLACE MACRO part_cost(tokens, price, price_of_others) AS coalesce(tokens * (price - price_of_others), 0);
