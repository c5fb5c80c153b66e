"""What fills a model's window."""

from controlsurface.metrics.metric import Metric


def _part(name: str, what: str) -> Metric:
    """A part of the input, where the sender says so."""
    text, sql = f"Input tokens that are {what}, where the sender says so.", f"sum(context_{name})"
    return Metric(
        f"context_{name}_tokens", help=text, sql=sql, unit="tokens", better="neither", kind="sum", source="attempts"
    )


METRICS = (
    Metric(
        "context_window_share",
        help="Mean share of the model's context window that a call's input fills, over calls whose window is known.",
        sql="sum(window_share) / sum(windowed)",
        unit="ratio",
        better="neither",
        kind="mean",
        source="attempts",
    ),
    Metric(
        "context_over_80",
        help="Share of calls whose input fills more than 80 % of the model's window, where that is known.",
        sql="sum(window_full) / sum(windowed)",
        unit="ratio",
        better="lower",
        source="attempts",
    ),
    _part("system", "the system prompt"),
    _part("retrieved", "retrieved documents"),
    _part("history", "the conversation so far"),
    _part("tools", "definitions and results of tools"),
)
