"""What fills a model's window."""

from controlsurface.metrics.metric import Metric

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
    Metric(
        "context_system_tokens",
        help="Input tokens that are the system prompt, where the sender says so.",
        sql="sum(context_system)",
        unit="tokens",
        better="neither",
        kind="sum",
        source="attempts",
    ),
    Metric(
        "context_retrieved_tokens",
        help="Input tokens that are retrieved documents, where the sender says so.",
        sql="sum(context_retrieved)",
        unit="tokens",
        better="neither",
        kind="sum",
        source="attempts",
    ),
    Metric(
        "context_history_tokens",
        help="Input tokens that are the conversation so far, where the sender says so.",
        sql="sum(context_history)",
        unit="tokens",
        better="neither",
        kind="sum",
        source="attempts",
    ),
    Metric(
        "context_tools_tokens",
        help="Input tokens that are definitions and results of tools, where the sender says so.",
        sql="sum(context_tools)",
        unit="tokens",
        better="neither",
        kind="sum",
        source="attempts",
    ),
)
