"""What several steps cost in reliability, and what retries and other models give back."""

from controlsurface.metrics.metric import Metric

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
    Metric(
        "depth_one_share",
        help="Share of requests that one call answered, of those with a call.",
        sql="sum(depth_one) / sum(asked)",
        unit="ratio",
        better="higher",
    ),
    Metric(
        "depth_two_share",
        help="Share of requests that took two calls, of those with a call.",
        sql="sum(depth_two) / sum(asked)",
        unit="ratio",
        better="lower",
    ),
    Metric(
        "depth_more_share",
        help="Share of requests that took three calls or more, of those with a call.",
        sql="sum(depth_more) / sum(asked)",
        unit="ratio",
        better="lower",
    ),
)
