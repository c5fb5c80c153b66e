-- Seats for values that have none, as long as there are any: the most frequent of a batch first. The rest is over.
CREATE OR REPLACE TEMP TABLE admitted AS
WITH taken AS (
    SELECT dimension, day, count(*) AS n FROM dimension_values
    WHERE (dimension, day) IN (SELECT (dimension, day) FROM unseated)
    GROUP BY dimension, day
)
SELECT
    unseated.dimension, unseated.day, unseated.value, unseated.n,
    row_number() OVER (PARTITION BY unseated.dimension, unseated.day ORDER BY unseated.n DESC, unseated.value)
        + coalesce(taken.n, 0) <= value_limits.most AS seated
FROM unseated
JOIN value_limits ON value_limits.dimension = unseated.dimension
LEFT JOIN taken ON taken.dimension = unseated.dimension AND taken.day = unseated.day;
INSERT INTO dimension_values SELECT dimension, day, value FROM admitted WHERE seated ORDER BY day, dimension, value;
CREATE OR REPLACE TEMP TABLE over_values AS SELECT dimension, day, value FROM admitted WHERE NOT seated;
-- How many there are is told from the least hashes of all that came (Bar-Yossef et al. 2002), which no order changes.
MERGE INTO values_over_limit AS known
USING (
    SELECT
        dimension, day, list_sort(list(md5_number_lower(value)))[:256] AS least_hashes,
        list_slice(list(value ORDER BY n DESC, value), 1, 5) AS samples
    FROM admitted WHERE NOT seated GROUP BY dimension, day
) AS come ON known.dimension = come.dimension AND known.day = come.day
WHEN MATCHED THEN UPDATE SET
    least_hashes = list_sort(list_distinct(list_concat(known.least_hashes, come.least_hashes)))[:256],
    samples = list_slice(list_sort(list_distinct(list_concat(known.samples, come.samples))), 1, 5),
    last_at = CAST(now() AS TIMESTAMP)
WHEN NOT MATCHED THEN INSERT (dimension, day, least_hashes, samples, last_at)
    VALUES (come.dimension, come.day, come.least_hashes, come.samples, CAST(now() AS TIMESTAMP))
