-- What is read of answers that were graded: the evaluation named, and the comparisons with both grades.
WITH evaluated AS (
    SELECT trace_id, span_id, avg(score) AS grade
    FROM evaluations
    WHERE name = $evaluation AND score BETWEEN 0 AND 1
    GROUP BY ALL
),
compared AS (
    SELECT * FROM graded($low::TIMESTAMP, $high::TIMESTAMP, $evaluation, $grade_labels, $large)
)
