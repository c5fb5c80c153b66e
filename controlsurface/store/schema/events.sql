-- What was changed around the router, as told by people and deployment pipelines. What the requests themselves tell
-- (a version or model first seen) is found by a query, and not kept here.
CREATE TABLE IF NOT EXISTS events (
    "at"   TIMESTAMP NOT NULL,  -- UTC; a reserved word, so always quoted
    kind   VARCHAR NOT NULL,    -- deploy | model | price | config | other
    title  VARCHAR NOT NULL,
    detail VARCHAR,
    source VARCHAR NOT NULL     -- who says so
);
