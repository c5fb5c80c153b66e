-- One row per shadow attempt, beside the answer that the user was given: what disagreement is counted over.
-- Each row stands for 1 / sampling_probability requests. Disagreement per task type:
--   SELECT task_type, count(disagrees) AS n, avg(disagrees::INT) AS disagreement FROM comparisons GROUP BY task_type
CREATE OR REPLACE VIEW comparisons AS
FROM compared(NULL::TIMESTAMP, NULL::TIMESTAMP);
