-- One row: how far the journal is stored. Moves in the same transaction as the rows it stands for.
CREATE TABLE IF NOT EXISTS journal_position (
    segment BIGINT NOT NULL,
    "offset" BIGINT NOT NULL
);
