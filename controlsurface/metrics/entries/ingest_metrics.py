"""What came in, and what became of it. By the minute of arrival, whatever time the spans tell of."""

from controlsurface.metrics.metric import Better, Metric


def _count(name: str, measure: str, better: Better, text: str) -> Metric:
    """How many."""
    sql = f"coalesce(sum({measure}), 0)"
    return Metric(name, help=text, sql=sql, unit="count", better=better, kind="sum", source="arrivals")


def _share(name: str, formula: str, text: str) -> Metric:
    """Which part of them."""
    return Metric(name, help=text, sql=formula, unit="ratio", better="lower", kind="share", source="arrivals")


def _mean(name: str, formula: str, text: str) -> Metric:
    """How long on average."""
    return Metric(name, help=text, sql=formula, unit="ms", better="lower", kind="mean", source="arrivals")


METRICS = (
    _count("spans_received", "received", "neither", "Spans that came, repeats and refused ones included."),
    _count("spans_stored", "stored", "neither", "Spans that were stored."),
    _count("spans_rejected", "rejected", "lower", "Spans that were refused one by one: an id or a time cannot be."),
    _count("spans_expired", "expired", "lower", "Spans that came when rows of their time were gone or about to go."),
    _count("bodies_refused", "refused", "lower", "Bodies that were told to come again later."),
    _share("span_duplicate_share", "sum(duplicate) / sum(received)", "Share of spans that were known already."),
    _share("span_late_share", "sum(late) / sum(stored)", "Share of spans whose trace had rows already."),
    _share(
        "span_unrecognised_share", "sum(unrecognised) / sum(stored)", "Share of spans that no vocabulary recognises."
    ),
    _mean("journal_lag_mean", "sum(lag_ms) / sum(stored)", "Mean time from a span's receipt until queries see it."),
    _mean("freshness_mean", "sum(age_ms) / sum(aged)", "Mean time from a span's end until queries see it."),
)
