-- Bytes of the file's blocks that hold a table: one may hold parts of several, and what is new is in none yet.
CREATE OR REPLACE MACRO table_bytes(name) AS (
    (SELECT count(DISTINCT block_id) FILTER (WHERE block_id >= 0) FROM pragma_storage_info(name))
    * (SELECT max(block_size) FROM pragma_database_size())
);
