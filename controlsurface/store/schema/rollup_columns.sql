-- Which columns each roll-up table has. The tables themselves follow the catalogue of metrics (metrics/rollups.py), and
-- are made when a writer starts; until then everything is answered from stored rows.
CREATE TABLE IF NOT EXISTS rollup_columns (
    rollup VARCHAR NOT NULL,
    name   VARCHAR NOT NULL
);
