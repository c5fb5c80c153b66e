"""What was read and written."""

from controlsurface.metrics.metric import Metric

METRICS = (
    Metric(
        "input_tokens",
        help="Input tokens of all model calls, cached ones included.",
        sql="sum(input_tokens)",
        unit="tokens",
        better="neither",
        kind="sum",
        source="attempts",
    ),
    Metric(
        "cached_tokens",
        help="Input tokens that a provider read from its prompt cache.",
        sql="sum(cached_tokens)",
        unit="tokens",
        better="higher",
        kind="sum",
        source="attempts",
    ),
    Metric(
        "cache_write_tokens",
        help="Input tokens that a provider wrote to its prompt cache.",
        sql="sum(cache_write_tokens)",
        unit="tokens",
        better="neither",
        kind="sum",
        source="attempts",
    ),
    Metric(
        "output_tokens",
        help="Output tokens of all model calls, reasoning included.",
        sql="sum(output_tokens)",
        unit="tokens",
        better="neither",
        kind="sum",
        source="attempts",
    ),
    Metric(
        "reasoning_tokens",
        help="Output tokens spent on reasoning.",
        sql="sum(reasoning_tokens)",
        unit="tokens",
        better="neither",
        kind="sum",
        source="attempts",
    ),
    Metric(
        "output_tokens_per_request",
        help="Mean output tokens of a request, over requests where they are known.",
        sql="sum(output_tokens) / sum(output_known)",
        unit="tokens",
        better="neither",
        kind="mean",
    ),
)
