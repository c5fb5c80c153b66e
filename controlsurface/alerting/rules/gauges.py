"""Figures of the server itself that rules may watch."""

GAUGES = {
    "ingest_lag_seconds": "How far the newest visible span is behind.",
    "ingest_pending_spans": "Spans answered for but not yet visible.",
    "ingest_refused_bodies": "Bodies told to come again later, in the last five minutes.",
    "ingest_not_ready": "1 while no traffic is taken.",
    "usage_unexplained_spans": "Spans with tokens or a cost that are in no figure, of the last hour.",
    "dimensions_over_limit": "Dimensions with more values than their limit allows, in the last hour.",
    "rules_lag_seconds": "How late the last evaluation of rules was.",
    "rules_failed": "Rules whose last evaluation failed.",
}
