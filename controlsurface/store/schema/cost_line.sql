-- What a call costs by its input tokens: the line of least squares of cost (y) over tokens (x), from weighted sums over
-- calls (Cochran, Sampling Techniques, chapter 7). Neither end of it is negative. Under 10 calls, or where all have
-- as many tokens, it goes through the origin: a mean price per token. NULL: no call.
CREATE OR REPLACE MACRO cost_slope(calls, n, x, y, xx, xy) AS CASE
    WHEN calls >= 10 AND n * xx - x * x > 1e-9 * n * xx
        THEN greatest(0, least((n * xy - x * y) / (n * xx - x * x), y / nullif(x, 0)))
    ELSE coalesce(y / nullif(x, 0), 0)
END;
-- `spread` is the variance about the line, unknown of one or two calls, and larger by what Student's t is wider than a
-- normal interval at 95 % (Cornish and Fisher's first term); `effective` is Kish's sample size.
CREATE OR REPLACE MACRO cost_line_of(slope, calls, n, squares, x, y, xx, xy, yy) AS CASE WHEN calls > 0 THEN {
    'base': (y - slope * x) / n,
    'slope': slope,
    'spread': CASE WHEN calls >= 3 THEN greatest(0,
        yy + slope * slope * xx - 2 * slope * xy - (y - slope * x) * (y - slope * x) / n) / n * calls / (calls - 2)
        * power(1 + 1.2104 / (calls - 2), 2) END,
    'effective': n * n / squares,
    'mean': x / n,
    'around': greatest(0, xx / n - x * x / (n * n))
} END;
CREATE OR REPLACE MACRO cost_line(calls, n, squares, x, y, xx, xy, yy) AS
    cost_line_of(cost_slope(calls, n, x, y, xx, xy), calls, n, squares, x, y, xx, xy, yy);
-- What `n` other calls with `x` tokens in all cost by a line.
CREATE OR REPLACE MACRO cost_by_line(line, n, x) AS n * line.base + x * line.slope;
-- By how much that may be off, as a variance: each call about the line (`squares`: of their weights), and the line itself.
CREATE OR REPLACE MACRO cost_variance(line, n, squares, x) AS line.spread * (squares + CASE
    WHEN line.around > 1e-9 * line.mean * line.mean
        THEN (n * n + (x - n * line.mean) * (x - n * line.mean) / line.around) / line.effective
    ELSE power(greatest(n, coalesce(x / nullif(line.mean, 0), n)), 2) / line.effective
END);
