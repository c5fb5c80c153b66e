-- Models that were put into another lane, and the time before which their stored calls are still to be derived anew.
CREATE TABLE IF NOT EXISTS relaning (
    model   VARCHAR NOT NULL,   -- as lanes name it: lower case, without provider prefix
    "until" TIMESTAMP NOT NULL  -- UTC; what started at this time or later is done
);
