WITH measures AS (
    SELECT
        r.task_type AS task_type,
        r.lane AS lane,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL THEN r.sample_weight ELSE 0 END AS payable,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN r.sample_weight ELSE 0 END AS basis,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN 1 ELSE 0 END AS basis_rows,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND r.escalated THEN r.sample_weight ELSE 0 END AS basis_escalated,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * (r.cost_usd + coalesce(r.overhead_usd, 0)) ELSE 0 END AS basis_usd,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN 1 ELSE 0 END AS large_known_rows,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight ELSE 0 END AS large_known,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS large_known_squares,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight * (r.input_tokens / r.attempts) ELSE 0 END AS large_known_x,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) ELSE 0 END AS large_known_usd,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight * (r.input_tokens / r.attempts) * (r.input_tokens / r.attempts) ELSE 0 END AS large_known_xx,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight * (r.input_tokens / r.attempts) * CAST(coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) AS DOUBLE) ELSE 0 END AS large_known_xy,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight * CAST(coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) AS DOUBLE) * CAST(coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) AS DOUBLE) ELSE 0 END AS large_known_yy,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NULL THEN r.sample_weight ELSE 0 END AS large_open,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS large_open_squares,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_large_usd, r.shadow_large_usd, CASE WHEN r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NULL THEN r.sample_weight * (r.input_tokens / r.attempts) ELSE 0 END AS large_open_x,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN 1 ELSE 0 END AS small_known_rows,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight ELSE 0 END AS small_known,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS small_known_squares,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight * (r.input_tokens / r.attempts) ELSE 0 END AS small_known_x,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN CAST(r.sample_weight AS DECIMAL(18, 6)) * coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) ELSE 0 END AS small_known_usd,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight * (r.input_tokens / r.attempts) * (r.input_tokens / r.attempts) ELSE 0 END AS small_known_xx,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight * (r.input_tokens / r.attempts) * CAST(coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) AS DOUBLE) ELSE 0 END AS small_known_xy,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NOT NULL THEN r.sample_weight * CAST(coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) AS DOUBLE) * CAST(coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) AS DOUBLE) ELSE 0 END AS small_known_yy,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NULL THEN r.sample_weight ELSE 0 END AS small_open,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NULL THEN r.sample_weight * r.sample_weight ELSE 0 END AS small_open_squares,
        CASE WHEN r.attempts > 0 AND r.cache IS NULL AND r.escalated IS NOT NULL AND r.input_tokens IS NOT NULL AND r.cost_usd IS NOT NULL AND r.priced AND coalesce(r.own_small_usd, r.shadow_small_usd, CASE WHEN NOT r.escalated AND r.attempts = 1 THEN r.cost_usd END) IS NULL THEN r.sample_weight * (r.input_tokens / r.attempts) ELSE 0 END AS small_open_x
    FROM requests AS r
),
cells AS (  -- one row a group and stratum
    SELECT task_type, lane, sum(payable) AS payable, sum(basis) AS basis, sum(basis_rows) AS basis_rows, sum(basis_escalated) AS basis_escalated, sum(basis_usd) AS basis_usd, sum(large_known_rows) AS large_known_rows, sum(large_known) AS large_known, sum(large_known_squares) AS large_known_squares, sum(large_known_x) AS large_known_x, sum(large_known_usd) AS large_known_usd, sum(large_known_xx) AS large_known_xx, sum(large_known_xy) AS large_known_xy, sum(large_known_yy) AS large_known_yy, sum(large_open) AS large_open, sum(large_open_squares) AS large_open_squares, sum(large_open_x) AS large_open_x, sum(small_known_rows) AS small_known_rows, sum(small_known) AS small_known, sum(small_known_squares) AS small_known_squares, sum(small_known_x) AS small_known_x, sum(small_known_usd) AS small_known_usd, sum(small_known_xx) AS small_known_xx, sum(small_known_xy) AS small_known_xy, sum(small_known_yy) AS small_known_yy, sum(small_open) AS small_open, sum(small_open_squares) AS small_open_squares, sum(small_open_x) AS small_open_x
    FROM measures
    GROUP BY ALL
),
drawn AS (  -- of each stratum, and of each task type whatever the lane
    SELECT task_type, lane, TRUE AS narrow, sum(large_known_rows) AS large_known_rows, sum(large_known) AS large_known, sum(large_known_squares) AS large_known_squares, sum(large_known_x) AS large_known_x, sum(large_known_usd) AS large_known_usd, sum(large_known_xx) AS large_known_xx, sum(large_known_xy) AS large_known_xy, sum(large_known_yy) AS large_known_yy, sum(small_known_rows) AS small_known_rows, sum(small_known) AS small_known, sum(small_known_squares) AS small_known_squares, sum(small_known_x) AS small_known_x, sum(small_known_usd) AS small_known_usd, sum(small_known_xx) AS small_known_xx, sum(small_known_xy) AS small_known_xy, sum(small_known_yy) AS small_known_yy FROM cells GROUP BY ALL
    UNION ALL BY NAME
    SELECT task_type, FALSE AS narrow, sum(large_known_rows) AS large_known_rows, sum(large_known) AS large_known, sum(large_known_squares) AS large_known_squares, sum(large_known_x) AS large_known_x, sum(large_known_usd) AS large_known_usd, sum(large_known_xx) AS large_known_xx, sum(large_known_xy) AS large_known_xy, sum(large_known_yy) AS large_known_yy, sum(small_known_rows) AS small_known_rows, sum(small_known) AS small_known, sum(small_known_squares) AS small_known_squares, sum(small_known_x) AS small_known_x, sum(small_known_usd) AS small_known_usd, sum(small_known_xx) AS small_known_xx, sum(small_known_xy) AS small_known_xy, sum(small_known_yy) AS small_known_yy FROM cells GROUP BY ALL
),
lines AS (
    SELECT task_type, lane, narrow, large_known_rows AS large_told, small_known_rows AS small_told,
        cost_line(CAST(large_known_rows AS DOUBLE), CAST(large_known AS DOUBLE), CAST(large_known_squares AS DOUBLE), CAST(large_known_x AS DOUBLE), CAST(large_known_usd AS DOUBLE), CAST(large_known_xx AS DOUBLE), CAST(large_known_xy AS DOUBLE), CAST(large_known_yy AS DOUBLE)) AS large_fit, cost_line(CAST(small_known_rows AS DOUBLE), CAST(small_known AS DOUBLE), CAST(small_known_squares AS DOUBLE), CAST(small_known_x AS DOUBLE), CAST(small_known_usd AS DOUBLE), CAST(small_known_xx AS DOUBLE), CAST(small_known_xy AS DOUBLE), CAST(small_known_yy AS DOUBLE)) AS small_fit
    FROM drawn
),
priced AS (  -- what is priced by one line is summed first: it is off together
    SELECT
        sum(payable) AS payable, sum(basis) AS basis, sum(basis_rows) AS basis_rows, sum(basis_usd) AS basis_usd,
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
    JOIN lines AS own ON own.narrow AND TRUE
        AND own.task_type IS NOT DISTINCT FROM cells.task_type AND own.lane IS NOT DISTINCT FROM cells.lane
    JOIN lines AS wide ON NOT wide.narrow AND TRUE AND wide.task_type IS NOT DISTINCT FROM cells.task_type
    JOIN (SELECT sum(basis_escalated) / nullif(sum(basis), 0) AS up FROM cells GROUP BY ALL) AS lot ON TRUE
    GROUP BY cells.task_type, large_line, large_lent, small_line, small_lent, up
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
        payable,
        large_baseline_usd,
        CASE WHEN large_baseline_usd IS NOT NULL THEN large_guess_usd END AS large_guess_usd,
        CASE WHEN large_baseline_usd IS NOT NULL THEN large_lent_usd END AS large_lent_usd,
        CASE WHEN large_baseline_usd IS NOT NULL THEN large_variance END AS large_variance,
        CASE WHEN large_baseline_usd IS NOT NULL THEN large_freedom END AS large_freedom,
        CASE WHEN large_baseline_usd IS NOT NULL THEN large_lean END AS large_lean,
        CASE WHEN large_baseline_usd IS NOT NULL THEN basis ELSE 0 END AS large_paid,
        CASE WHEN large_baseline_usd IS NOT NULL THEN basis_usd END AS large_paid_usd,
        CASE WHEN large_baseline_usd IS NOT NULL THEN basis_rows END AS large_paid_usd_rows,
        CASE WHEN large_baseline_usd IS NOT NULL THEN basis_rows END AS large_baseline_usd_rows,
        small_baseline_usd,
        CASE WHEN small_baseline_usd IS NOT NULL THEN small_guess_usd END AS small_guess_usd,
        CASE WHEN small_baseline_usd IS NOT NULL THEN small_lent_usd END AS small_lent_usd,
        CASE WHEN small_baseline_usd IS NOT NULL THEN small_variance END AS small_variance,
        CASE WHEN small_baseline_usd IS NOT NULL THEN small_freedom END AS small_freedom,
        CASE WHEN small_baseline_usd IS NOT NULL THEN small_lean END AS small_lean,
        CASE WHEN small_baseline_usd IS NOT NULL THEN basis ELSE 0 END AS small_paid,
        CASE WHEN small_baseline_usd IS NOT NULL THEN basis_usd END AS small_paid_usd,
        CASE WHEN small_baseline_usd IS NOT NULL THEN basis_rows END AS small_paid_usd_rows,
        CASE WHEN small_baseline_usd IS NOT NULL THEN basis_rows END AS small_baseline_usd_rows,
        random_baseline_usd,
        CASE WHEN random_baseline_usd IS NOT NULL THEN random_guess_usd END AS random_guess_usd,
        CASE WHEN random_baseline_usd IS NOT NULL THEN random_lent_usd END AS random_lent_usd,
        CASE WHEN random_baseline_usd IS NOT NULL THEN random_variance END AS random_variance,
        CASE WHEN random_baseline_usd IS NOT NULL THEN random_freedom END AS random_freedom,
        CASE WHEN random_baseline_usd IS NOT NULL THEN random_lean END AS random_lean,
        CASE WHEN random_baseline_usd IS NOT NULL THEN basis ELSE 0 END AS random_paid,
        CASE WHEN random_baseline_usd IS NOT NULL THEN basis_usd END AS random_paid_usd,
        CASE WHEN random_baseline_usd IS NOT NULL THEN basis_rows END AS random_paid_usd_rows,
        CASE WHEN random_baseline_usd IS NOT NULL THEN basis_rows END AS random_baseline_usd_rows
    FROM alone
),
figures AS (
    SELECT
        sum(small_baseline_usd) - sum(small_paid_usd) AS value,
        sum(small_paid_usd_rows) AS n,
        sum(small_baseline_usd) - sum(small_paid_usd) + cost_end(-1, sum(small_guess_usd), sum(small_lent_usd), sum(small_variance), sum(small_freedom), sum(small_lean)) AS low,
        sum(small_baseline_usd) - sum(small_paid_usd) + cost_end(1, sum(small_guess_usd), sum(small_lent_usd), sum(small_variance), sum(small_freedom), sum(small_lean)) AS high,
        sum(small_paid) / nullif(sum(payable), 0) AS priced_share
    FROM alone_measures
)
SELECT
    CAST(value AS DOUBLE) AS value,
    CAST(coalesce(n, 0) AS BIGINT) AS n,
    CAST(low AS DOUBLE) AS low,
    CAST(high AS DOUBLE) AS high,
    priced_share
FROM figures
LIMIT $row_limit
