-- What a call costs by its input tokens: the line of least squares of cost (y) over tokens (x), from weighted sums over
-- calls (Cochran, Sampling Techniques, chapter 7). Neither end of it is negative. Under 10 calls, or where all have
-- as many tokens, it goes through the origin: a mean price per token. NULL: no call.
CREATE OR REPLACE MACRO cost_slope(calls, n, x, y, xx, xy) AS CASE
    WHEN calls >= 10 AND n * xx - x * x > 1e-9 * n * xx
        THEN greatest(0, least((n * xy - x * y) / (n * xx - x * x), y / nullif(x, 0)))
    ELSE coalesce(y / nullif(x, 0), 0)
END;
-- `spread` is the variance about the line, of two calls or fewer taken for as large as their costs; `effective` is Kish's sample size.
CREATE OR REPLACE MACRO cost_line_of(slope, effective, n, x, y, xx, xy, yy) AS {
    'base': (y - slope * x) / n,
    'slope': slope,
    'spread': CASE WHEN effective > 2.001 THEN effective / (effective - 2) * greatest(0,
        yy + slope * slope * xx - 2 * slope * xy - (y - slope * x) * (y - slope * x) / n) / n ELSE power(y / n, 2) END,
    'effective': effective,
    'mean': x / n,
    'around': greatest(0, xx / n - x * x / (n * n))
};
CREATE OR REPLACE MACRO cost_line(calls, n, squares, x, y, xx, xy, yy) AS CASE WHEN calls > 0 THEN
    cost_line_of(cost_slope(calls, n, x, y, xx, xy), n * n / squares, n, x, y, xx, xy, yy) END;
-- What `n` other calls with `x` tokens in all cost by a line.
CREATE OR REPLACE MACRO cost_by_line(line, n, x) AS n * line.base + x * line.slope;
-- By how much that may be off, as a variance: each call about the line (`squares`: of their weights), and the line itself.
CREATE OR REPLACE MACRO cost_variance(line, n, squares, x) AS CASE WHEN n = 0 THEN 0 ELSE line.spread * (squares + CASE
    WHEN line.around > 1e-9 * line.mean * line.mean
        THEN (n * n + (x - n * line.mean) * (x - n * line.mean) / line.around) / line.effective
    ELSE power(greatest(n, coalesce(x / nullif(line.mean, 0), n)), 2) / line.effective
END) END;
-- What adds up to the degrees of freedom of a sum of variances, sum(V)^2 / sum(V^2 / freedom) (Satterthwaite 1946).
CREATE OR REPLACE MACRO cost_freedom(line, variance) AS
    CASE WHEN variance = 0 THEN 0 ELSE variance * variance / greatest(line.effective - 2, 1) END;
-- What adds up to how far a sum leans to the dear side: costs are never negative, and lean the more the more they vary.
CREATE OR REPLACE MACRO cost_lean(variance, usd) AS CASE WHEN variance = 0 THEN 0 ELSE variance / nullif(usd, 0) END;
-- A part of what is known; of what is not, nothing is.
CREATE OR REPLACE MACRO part_of(share, amount) AS CASE WHEN share = 0 THEN 0 ELSE share * amount END;
