-- Prices of the edition that calls are priced by from now on.
CREATE OR REPLACE VIEW prices_in_force AS
SELECT prices.* FROM prices JOIN price_editions ON price_editions.edition = prices.edition AND price_editions.in_force;
