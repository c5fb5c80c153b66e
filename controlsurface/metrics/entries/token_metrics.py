"""What was read and written."""

from controlsurface.metrics.metric import Better, Metric


def _sum(name: str, text: str, better: Better = "neither") -> Metric:
    """All tokens of a kind."""
    return Metric(name, help=text, sql=f"sum({name})", unit="tokens", better=better, kind="sum", source="attempts")


METRICS = (
    _sum("input_tokens", "Input tokens of all model calls, cached ones included."),
    _sum("cached_tokens", "Input tokens that a provider read from its prompt cache.", "higher"),
    _sum("cache_write_tokens", "Input tokens that a provider wrote to its prompt cache."),
    _sum("output_tokens", "Output tokens of all model calls, reasoning included."),
    _sum("reasoning_tokens", "Output tokens spent on reasoning."),
    Metric(
        "output_tokens_per_request",
        help="Mean output tokens of a request, over requests where they are known.",
        sql="sum(output_tokens) / sum(output_known)",
        unit="tokens",
        better="neither",
        kind="mean",
    ),
)
