-- The labels that hold: of each item and reviewer the newest, unless it was taken back.
CREATE OR REPLACE VIEW audit_labels_live AS
SELECT l.item_id, i.request_id, l.reviewer, l.revision, l.verdict, l.shown_left, l.comment, l.labelled_at, l.said_by
FROM audit_labels AS l
LEFT JOIN audit_items AS i ON i.item_id = l.item_id
WHERE l.verdict IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM audit_labels AS later
    WHERE later.item_id = l.item_id AND later.reviewer = l.reviewer AND later.revision > l.revision
);
