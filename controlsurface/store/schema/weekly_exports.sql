-- What was exported of weeks that were over: one row a breakdown and revision. The same figures have the same revision;
-- figures that late calls, other prices or other lanes changed have the next one of their week.
CREATE TABLE IF NOT EXISTS weekly_exports (
    week        VARCHAR NOT NULL,    -- 2026-W47
    "by"        VARCHAR NOT NULL,    -- dimensions, comma-separated
    revision    INTEGER NOT NULL,    -- 1, 2, ...
    exported_at TIMESTAMP NOT NULL,  -- UTC: the first time
    rows_sha256 VARCHAR NOT NULL,    -- of the rows as JSON, whatever form they were exported in
    totals      VARCHAR NOT NULL,    -- JSON: requests, calls, tokens and cost of the week
    restates    VARCHAR,             -- JSON: revision and exported_at of the export before, and by how much totals differ
    UNIQUE (week, "by", revision)
);
