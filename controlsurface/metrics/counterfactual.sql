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
        CASE WHEN large_open = 0 THEN NULL WHEN own.large_told >= 10 THEN own.large_fit ELSE wide.large_fit END AS large_line,
        large_open > 0 AND own.large_told < 20 AS large_lent,
        CASE WHEN small_open = 0 THEN NULL WHEN own.small_told >= 10 THEN own.small_fit ELSE wide.small_fit END AS small_line,
        small_open > 0 AND own.small_told < 20 AS small_lent,
        lot.up AS up
    FROM cells
    JOIN lines AS own ON own.narrow AND {same_own}
        AND own.task_type IS NOT DISTINCT FROM cells.task_type AND own.lane IS NOT DISTINCT FROM cells.lane
    JOIN lines AS wide ON NOT wide.narrow AND {same_wide} AND wide.task_type IS NOT DISTINCT FROM cells.task_type
    JOIN (SELECT {within}sum(basis_escalated) / nullif(sum(basis), 0) AS up FROM cells GROUP BY ALL) AS lot ON {same_lot}
    GROUP BY {keys}cells.task_type, large_line, large_lent, small_line, small_lent, up
),
alone AS (
    SELECT
        *,
        coalesce(cost_by_line(large_line, large_open, large_open_x), 0) AS large_guess_usd,
        coalesce(cost_by_line(small_line, small_open, small_open_x), 0) AS small_guess_usd,
        CASE WHEN large_lent THEN large_guess_usd ELSE 0 END AS large_lent_usd,
        CASE WHEN basis_rows > 0 AND (large_open = 0 OR large_line IS NOT NULL)
            THEN large_known_usd + large_guess_usd END AS large_baseline_usd,
        CASE WHEN small_lent THEN small_guess_usd ELSE 0 END AS small_lent_usd,
        CASE WHEN basis_rows > 0 AND (small_open = 0 OR small_line IS NOT NULL)
            THEN small_known_usd + small_guess_usd END AS small_baseline_usd,
        CASE WHEN basis = basis_rows
            THEN cost_variance(large_line, large_open, large_open_squares, large_open_x)
            ELSE 'inf' END AS large_variance,  -- what was not sampled (head sampling) may cost otherwise
        CASE WHEN basis = basis_rows
            THEN cost_variance(small_line, small_open, small_open_squares, small_open_x)
            ELSE 'inf' END AS small_variance,  -- what was not sampled (head sampling) may cost otherwise
        cost_freedom(large_line, large_variance) AS large_freedom,
        cost_lean(large_variance, large_guess_usd) AS large_lean,
        cost_freedom(small_line, small_variance) AS small_freedom,
        cost_lean(small_variance, small_guess_usd) AS small_lean,
        up * large_baseline_usd + (1 - up) * small_baseline_usd AS random_baseline_usd,
        part_of(up * up, large_variance) + part_of(power(1 - up, 2), small_variance) AS random_variance,
        up * large_guess_usd + (1 - up) * small_guess_usd AS random_guess_usd,
        up * large_lent_usd + (1 - up) * small_lent_usd AS random_lent_usd,
        part_of(up, large_lean) + part_of(1 - up, small_lean) AS random_lean,
        part_of(power(up, 4), large_freedom) + part_of(power(1 - up, 4), small_freedom) AS random_freedom
    FROM priced
),
alone_measures AS (
    SELECT
        {plain}payable,
        {masked}
    FROM alone
),
