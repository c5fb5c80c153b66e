"""What several steps cost in reliability, and what retries and other models give back."""

from controlsurface.metrics.metric import Better, Metric


def _depth(depth: str, what: str, better: Better) -> Metric:
    """Requests by how many calls they took."""
    text, sql = f"Share of requests that {what}, of those with a call.", f"sum(depth_{depth}) / sum(asked)"
    return Metric(f"depth_{depth}_share", help=text, sql=sql, unit="ratio", better=better)


METRICS = (
    Metric(
        "success_rate",
        help="Share of requests that were answered.",
        sql="sum(answered) / sum(n)",
        unit="ratio",
        better="higher",
    ),
    Metric(
        "step_success_rate",
        help="Share of calls for the user's sake that answered and did not fail their quality gate.",
        sql="sum(user_succeeded) / sum(user_calls)",
        unit="ratio",
        better="higher",
        source="attempts",
    ),
    Metric(
        "chain_success_implied",
        help="Success if every call of a mean request had to succeed; success_rate is what retries make of it.",
        sql="power(1 - sum(failed_calls) / sum(calls), sum(calls) / sum(asked))",
        unit="ratio",
        better="higher",
        kind="mean",
    ),
    Metric(
        "retry_recovery_rate",
        help="Share of requests with a failed model call that were answered all the same.",
        sql="sum(recovered) / sum(troubled)",
        unit="ratio",
        better="higher",
    ),
    Metric(
        "failed_after_escalation_rate",
        help="Share of escalated requests that were not answered even so.",
        sql="sum(escalated_failed) / sum(escalated)",
        unit="ratio",
        better="lower",
    ),
    _depth("one", "one call answered", "higher"),
    _depth("two", "took two calls", "lower"),
    _depth("more", "took three calls or more", "lower"),
)
