"""What was asked, and where it went."""

from controlsurface.metrics.metric import Metric

METRICS = (
    Metric(
        "requests",
        help="Requests put to the router.",
        sql="coalesce(sum(n), 0)",
        unit="count",
        better="neither",
        kind="sum",
    ),
    Metric(
        "request_share",
        help="Each group's share of the requests of its bucket: the lane share by lane, or a model's share.",
        sql="sum(n) / total(n)",
        unit="ratio",
        better="neither",
    ),
    Metric(
        "attempts",
        help="Model calls, overhead calls included.",
        sql="coalesce(sum(n), 0)",
        unit="count",
        better="neither",
        kind="sum",
        source="attempts",
    ),
    Metric(
        "steps_per_request",
        help="Model calls per request, overhead calls included.",
        sql="sum(steps) / sum(n)",
        unit="count",
        better="lower",
        kind="mean",
    ),
    Metric(
        "retries_per_request",
        help="Calls of a model that had failed or failed its gate before in the same request, per request.",
        sql="sum(retries) / sum(n)",
        unit="count",
        better="lower",
        kind="mean",
    ),
    Metric(
        "fallback_rate",
        help="Share of requests for which a call failed and another model was tried.",
        sql="sum(fell_back) / sum(n)",
        unit="ratio",
        better="lower",
    ),
    Metric(
        "sessions",
        help="Different sessions; a sampled one counts as often as the largest weight of its requests.",
        sql="distinct(each_session)",
        unit="count",
        better="neither",
        kind="distinct",
    ),
    Metric(
        "calls_per_request",
        help="Model calls for the user's sake per request, over requests with at least one.",
        sql="sum(calls) / sum(asked)",
        unit="count",
        better="lower",
        kind="mean",
    ),
)
