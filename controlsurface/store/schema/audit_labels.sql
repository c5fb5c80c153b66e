-- What people said about an item. Nothing is ever changed here: a correction or an undoing is a row of its own, and
-- the row with the highest revision holds.
CREATE TABLE IF NOT EXISTS audit_labels (
    item_id     VARCHAR NOT NULL,
    reviewer    VARCHAR NOT NULL,   -- who says so
    revision    INTEGER NOT NULL,   -- 1, 2, ... for each item and reviewer; together they are the label's key
    verdict     VARCHAR,            -- production | shadow | both | neither: which answer is right; NULL: taken back
    shown_left  VARCHAR,            -- production | shadow: which answer stood on the left; NULL: not shown blind
    comment     VARCHAR,
    labelled_at TIMESTAMP NOT NULL, -- UTC
    said_by     VARCHAR NOT NULL    -- desk | cli | import | api
);
