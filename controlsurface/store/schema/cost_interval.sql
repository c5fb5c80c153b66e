-- The interval at 95 % of what is estimated by lines of cost (cost_line.sql), from sums of variances, of what their degrees
-- of freedom are (`freedom`) and of how far they lean (`lean`): its ends as differences from the estimate. NULL: too few
-- calls tell of it. It has three parts.
--   t: Student's quantile (Abramowitz and Stegun 26.7.5). Skewed values say less of their own variance, 2n / (kurtosis - 1)
--      degrees of freedom (O'Neill 2014): a third, at the kurtosis of 7 of a gamma law with a coefficient of variation of 0.8.
--   usd: the amount that is uncertain, a mean of the estimates weighted by their variances. The interval is symmetric in
--      its logarithm: misses lie on the dear side otherwise.
--   Under 18 degrees of freedom there is none: as good as 20 calls of the lane whose requests are priced.
-- How often it holds the truth: `controlsurface bench statistics`.
CREATE OR REPLACE MACRO student(freedom) AS 1.959963984540054 + 2.3722712303 / freedom + 2.8224986157 / power(freedom, 2)
    + 2.5558496795 / power(freedom, 3) + 1.5895340534 / power(freedom, 4);
CREATE OR REPLACE MACRO cost_end(sign, usd, lent_usd, variance, freedom, lean) AS CASE
    WHEN variance = 0 THEN 0
    WHEN isfinite(variance) AND lent_usd <= 0.1 * usd
        THEN variance / lean * (exp(
            sign * student(variance * variance / freedom / 4) * sqrt(ln(1 + lean * lean / variance))) - 1)
END;
