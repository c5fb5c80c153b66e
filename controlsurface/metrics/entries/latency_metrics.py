"""How long it took."""

from controlsurface.metrics.metric import Metric
from controlsurface.query.dimensions import RowSource


def _quantile(name: str, spread: str, q: float, text: str, source: RowSource = "requests") -> Metric:
    """A time that so many stay within."""
    sql = f"quantile({spread}, {q})"
    return Metric(name, help=text, sql=sql, unit="ms", better="lower", kind="quantile", source=source)


METRICS = (
    _quantile("latency_p50", "latency_ms", 0.5, "Median time from question to answer."),
    _quantile("latency_p95", "latency_ms", 0.95, "Time within which 95 % of requests were answered."),
    _quantile("latency_p99", "latency_ms", 0.99, "Time within which 99 % of requests were answered."),
    Metric(
        "latency_mean",
        help="Mean time from question to answer.",
        sql="sum(duration_ms) / sum(duration_known)",
        unit="ms",
        better="lower",
        kind="mean",
    ),
    _quantile("ttft_p50", "ttft_ms", 0.5, "Median time to the first token of the answering call."),
    _quantile("ttft_p95", "ttft_ms", 0.95, "Time within which 95 % of answering calls gave their first token."),
    _quantile("attempt_latency_p50", "latency_ms", 0.5, "Median duration of a model call.", "attempts"),
    _quantile(
        "attempt_latency_p95", "latency_ms", 0.95, "Duration that 95 % of model calls stayed within.", "attempts"
    ),
    Metric(
        "routing_latency_mean",
        help="Mean time from a routing span's start to the first call for the user: the router's own time.",
        sql="sum(routing_ms) / sum(routing_known)",
        unit="ms",
        better="lower",
        kind="mean",
    ),
    _quantile(
        "routing_latency_p95",
        "routing_ms",
        0.95,
        "Time within which 95 % of requests had their first call made for the user.",
    ),
)
