-- The comparisons of a range (see `compared`) with the grades of both answers, from 0 to 1, by who is believed first:
-- people, the evaluation named, the label itself. `large` lists the escalation lanes.
CREATE OR REPLACE MACRO graded(low, high, evaluation, grade_labels, large) AS TABLE
WITH people AS (
    SELECT
        item_id,
        avg((verdict IN ('production', 'both'))::INT) AS answer_grade,
        avg((verdict IN ('shadow', 'both'))::INT) AS shadow_grade,
        avg((verdict IN ('production', 'shadow'))::INT) AS disagree
    FROM audit_labels_live
    WHERE verdict IS NOT NULL
    GROUP BY item_id
),
evaluated AS (
    SELECT trace_id, span_id, avg(score) AS grade
    FROM evaluations
    WHERE name = evaluation AND score BETWEEN 0 AND 1
    GROUP BY ALL
)
SELECT
    c.*,
    coalesce(people.answer_grade, answer.grade, label_grade(c.answer_label, grade_labels)) AS answer_grade,
    coalesce(people.shadow_grade, shadow.grade, label_grade(c.shadow_label, grade_labels)) AS shadow_grade,
    people.disagree AS people_disagree,
    CASE WHEN len(large) = 0 THEN NULL ELSE list_contains(large, c.shadow_lane) END AS shadow_large
FROM compared(low, high) AS c
LEFT JOIN people ON people.item_id = c.attempt_id
LEFT JOIN evaluated AS answer ON answer.trace_id = c.answer_trace_id AND answer.span_id = c.answer_span_id
LEFT JOIN evaluated AS shadow ON shadow.trace_id = c.shadow_trace_id AND shadow.span_id = c.shadow_span_id;
