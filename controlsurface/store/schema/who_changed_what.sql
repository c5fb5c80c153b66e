-- Every change that somebody made, from the tables that keep them; nothing in those is ever altered or removed.
CREATE OR REPLACE VIEW who_changed_what AS
SELECT
    labelled_at AS "at", reviewer AS who, CASE WHEN verdict IS NULL THEN 'label taken back' ELSE 'label' END AS action,
    item_id AS subject, concat_ws(': ', verdict, comment) AS detail
FROM audit_labels
UNION ALL
SELECT
    "at", who, CASE WHEN restores IS NULL THEN 'policy' ELSE 'policy rolled back' END, 'policy v' || version, why
FROM policies
UNION ALL
SELECT "at", who, 'accepted as baseline', rule || ' ' || slice, why FROM drift_accepts
UNION ALL
SELECT made_at, made_by, 'sampling plan', 'sampling plan v' || version, NULL FROM sampling_plans
UNION ALL
SELECT "at", source, 'event', kind || ': ' || title, detail FROM events;
