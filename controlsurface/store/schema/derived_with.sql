-- What the process that has the store derives new rows with, one row: whether a change of files has reached it.
CREATE TABLE IF NOT EXISTS derived_with (
    vocabularies VARCHAR NOT NULL  -- hash of the vocabularies that it read at its start
);
