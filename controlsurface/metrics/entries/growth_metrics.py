"""Whether requests become longer: the slope of tokens per request over time, from sums alone.

Least squares of y (tokens of a request) on x (days), divided by the mean of y: growth a day as a share. Its standard
error is that of least squares with independent rows, of which weighted ones are as many as Kish counts, and unknown
under MIN_REQUESTS: the interval takes it for exact. All sums are additive, so any window and breakdown has a slope.
"""

from controlsurface.metrics.metric import Metric

MIN_REQUESTS = 50  # requests


def _slope(y: str) -> tuple[str, str]:
    """The formulas of growth and of its standard error."""
    n, xx, xy, yy = f"sum({y}_timed)", *(_centred(y, a, b) for a, b in (("x", "x"), ("x", "y"), ("y", "y")))
    mean = f"/ sum({y}_y) * {n}"
    rows = f"(power({n}, 2) / nullif(sum({y}_squares), 0))"
    residual = f"greatest({yy} - power({xy}, 2) / nullif({xx}, 0), 0) / ({rows} - 2)"
    error = f"CASE WHEN {rows} >= {MIN_REQUESTS} THEN sqrt({residual} / nullif({xx}, 0)) END {mean}"
    return f"{xy} / nullif({xx}, 0) {mean}", error


def _centred(y: str, a: str, b: str) -> str:
    """The sum of products of what a and b differ from their means by."""
    return f"(sum({y}_{a}{b}) - sum({y}_{a}) * sum({y}_{b}) / sum({y}_timed))"


def _growth(tokens: str, of: str) -> Metric:
    """Growth of tokens per request a day."""
    formula, error = _slope(tokens)
    return Metric(
        f"{tokens}_growth",
        help=f"Growth of {of} tokens per request a day, as a share of their mean: the slope over the window.",
        sql=formula,
        unit="ratio",
        better="lower",
        kind="slope",
        error=error,
    )


METRICS = (
    Metric(
        "input_tokens_per_request",
        help="Mean input tokens of a request, over requests where they are known.",
        sql="sum(input_tokens) / sum(input_known)",
        unit="tokens",
        better="neither",
        kind="mean",
    ),
    _growth("output", "output"),
    _growth("input", "input"),
)
