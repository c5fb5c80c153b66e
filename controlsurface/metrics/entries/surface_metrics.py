"""What a router is steered by: escalation, confidence, disagreement."""

from controlsurface.metrics.metric import Metric


def _escalation(kind: str, what: str) -> Metric:
    """Escalations of one kind."""
    text, sql = f"Share of requests {what}.", f"sum({kind}) / sum(lane_known)"
    return Metric(f"escalation_rate_{kind}", help=text, sql=sql, unit="ratio", better="lower")


METRICS = (
    Metric(
        "escalation_rate",
        help="Share of requests answered by an escalation lane, of those whose lane is known.",
        sql="sum(escalated) / sum(lane_known)",
        unit="ratio",
        better="lower",
    ),
    _escalation("routed", "sent to an escalation lane at once"),
    _escalation("cascaded", "escalated because a smaller lane's answer was not good enough"),
    _escalation("fallback", "escalated because a smaller lane's call failed"),
    Metric(
        "escalation_rate_session",
        help="Share of sessions with at least one escalated request; a sampled session counts by its largest weight.",
        sql="distinct(escalated_session) / distinct(session)",
        unit="ratio",
        better="lower",
    ),
    Metric(
        "confidence_below_threshold",
        help="Share of requests less sure than their threshold asks for (entropy: above it), of those with both; "
        "of probabilities, by confidence_kind of each kind.",
        sql="sum(unsure) / sum(held_against)",
        unit="ratio",
        better="lower",
    ),
    Metric(
        "confidence_knife_edge",
        help="Share of requests whose confidence lies within 0.05 of the threshold, of those with both; "
        "of probabilities, by confidence_kind of each kind.",
        sql="sum(near_threshold) / sum(held_against)",
        unit="ratio",
        better="lower",
    ),
    Metric(
        "confidence_missing",
        help="Share of requests without a usable confidence.",
        sql="sum(confidence_missing) / sum(n)",
        unit="ratio",
        better="lower",
    ),
    Metric(
        "disagreement_rate",
        help="Share of requests that two lanes answer differently, by shadow calls and the comparator in force.",
        sql="sum(disagreed) / sum(compared)",
        unit="ratio",
        better="lower",
        source="comparisons",
    ),
    Metric(
        "threshold",
        help="Mean threshold that confidences were held against; of probabilities, by confidence_kind of each kind.",
        sql="sum(threshold) / sum(threshold_held)",
        unit="ratio",
        better="neither",
        kind="mean",
    ),
    Metric(
        "confidence_certain",
        help="Share of requests whose confidence is 0.95 or more, of those with a probability.",
        sql="sum(certain) / sum(certain_known)",
        unit="ratio",
        better="neither",
    ),
    Metric(
        "comparisons",
        help="Shadow answers that can be held against the answer the user was given.",
        sql="coalesce(sum(n), 0)",
        unit="count",
        better="neither",
        kind="sum",
        source="comparisons",
    ),
)
