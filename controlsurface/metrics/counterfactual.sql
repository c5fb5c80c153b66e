cells AS (  -- one row a group and stratum
    SELECT {grouped}, {sums}
    FROM {rows}
    GROUP BY ALL
),
drawn AS (  -- of each stratum, and of each task type whatever the lane
    SELECT {within}task_type, lane, TRUE AS narrow, {known} FROM cells GROUP BY ALL
    UNION ALL BY NAME
    SELECT {within}task_type, FALSE AS narrow, {known} FROM cells GROUP BY ALL
),
lines AS (
    SELECT {within}task_type, lane, narrow, large_known_rows AS large_told, small_known_rows AS small_told,
        {large_line} AS large_fit, {small_line} AS small_fit
    FROM drawn
),
priced AS (  -- what is priced by one line is summed first: it is off together
    SELECT
        {keys}sum(payable) AS payable, sum(basis) AS basis, sum(basis_rows) AS basis_rows, sum(basis_usd) AS basis_usd,
        sum(large_known_usd) AS large_known_usd, sum(large_open) AS large_open,
        sum(large_open_squares) AS large_open_squares, sum(large_open_x) AS large_open_x,
        sum(small_known_usd) AS small_known_usd, sum(small_open) AS small_open,
        sum(small_open_squares) AS small_open_squares, sum(small_open_x) AS small_open_x,
        CASE WHEN own.large_told >= 10 THEN own.large_fit ELSE wide.large_fit END AS large_line,
        CASE WHEN own.small_told >= 10 THEN own.small_fit ELSE wide.small_fit END AS small_line,
        lot.up AS up
    FROM cells
    JOIN lines AS own ON own.narrow AND {same_own}
        AND own.task_type IS NOT DISTINCT FROM cells.task_type AND own.lane IS NOT DISTINCT FROM cells.lane
    JOIN lines AS wide ON NOT wide.narrow AND {same_wide} AND wide.task_type IS NOT DISTINCT FROM cells.task_type
    JOIN (SELECT {within}sum(basis_escalated) / nullif(sum(basis), 0) AS up FROM cells GROUP BY ALL) AS lot ON {same_lot}
    GROUP BY {keys}cells.task_type, large_line, small_line, up
),
alone AS (
    SELECT
        *,
        CASE WHEN basis_rows > 0 AND (large_open = 0 OR large_line IS NOT NULL) THEN
            large_known_usd + coalesce(cost_by_line(large_line, large_open, large_open_x), 0) END AS large_baseline_usd,
        CASE WHEN basis_rows > 0 AND (small_open = 0 OR small_line IS NOT NULL) THEN
            small_known_usd + coalesce(cost_by_line(small_line, small_open, small_open_x), 0) END AS small_baseline_usd,
        CASE WHEN large_open = 0 THEN 0
            ELSE coalesce(cost_variance(large_line, large_open, large_open_squares, large_open_x), 'inf') END AS large_variance,
        CASE WHEN small_open = 0 THEN 0
            ELSE coalesce(cost_variance(small_line, small_open, small_open_squares, small_open_x), 'inf') END AS small_variance,
        up * large_baseline_usd + (1 - up) * small_baseline_usd AS random_baseline_usd,
        CASE WHEN isfinite(large_variance) AND isfinite(small_variance)
            THEN up * up * large_variance + (1 - up) * (1 - up) * small_variance ELSE 'inf' END AS random_variance
    FROM priced
),
alone_measures AS (
    SELECT
        {plain}payable,
        {masked}
    FROM alone
),
