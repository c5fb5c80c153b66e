-- The values that a dimension has on a day, up to its limit; whatever comes later is stored as `(other)`.
CREATE TABLE IF NOT EXISTS dimension_values (
    dimension VARCHAR NOT NULL,
    day       DATE NOT NULL,     -- UTC, on which the rows begin
    value     VARCHAR NOT NULL
);
