"""What is kept for how long: every table that grows has a term here, and every other one a reason to be kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from controlsurface.config import RetentionConfig

RetentionKind = Literal["spans", "requests", "rollups", "alerts"]

MAX_LOOK_BACK = timedelta(days=7, hours=1)  # how far before a shadow call the answer it is compared with is looked for


@dataclass(frozen=True, slots=True)
class RetentionTerm:
    """A table whose rows go when the time in `column` is older than `[retention]` keeps its kind; `only` of those."""

    table: str
    kind: RetentionKind
    column: str
    only: str = "TRUE"


# Rows of which roll-ups are made: they go by whole hours, once these are made.
ROLLED_TERMS = (
    RetentionTerm("requests", "requests", "started_at"),
    RetentionTerm("attempts", "requests", "started_at"),
)
SPANS_TERM = RetentionTerm("spans", "spans", "started_at")
OTHER_TERMS = (
    RetentionTerm("uncounted_usage", "requests", "started_at"),
    RetentionTerm("evaluations", "requests", "evaluated_at"),
    RetentionTerm("sampled_requests", "requests", "sampled_at"),
    RetentionTerm("audit_items", "requests", "started_at", "item_id NOT IN (SELECT item_id FROM audit_labels)"),
    RetentionTerm("set_aside", "requests", "set_aside_at"),
    RetentionTerm("attribute_keys", "requests", "last_seen"),
    RetentionTerm("dropped_keys", "requests", "last_seen"),
    RetentionTerm("dimension_values", "requests", "day"),
    RetentionTerm("values_over_limit", "requests", "day"),
    RetentionTerm("arrivals", "rollups", "started_at"),
    RetentionTerm("alert_history", "alerts", '"at"'),
    RetentionTerm("alert_episodes", "alerts", "ends_at"),
    RetentionTerm("outbox", "alerts", "created_at", "state <> 'waiting'"),
    RetentionTerm("notification_log", "alerts", '"at"'),
    RetentionTerm("silences", "alerts", "ends_at"),
    RetentionTerm("retention_runs", "alerts", "ran_at"),
)
RETENTION_TERMS = (SPANS_TERM, *ROLLED_TERMS, *OTHER_TERMS)

STATE_REASON, PEOPLE_REASON = (
    "one row, or as many as there are things now",
    "what people did; nothing of it is altered or removed",
)
PERMANENT_TABLES = {
    "alert_groups": STATE_REASON,
    "alert_loop": STATE_REASON,
    "alert_rules": STATE_REASON,
    "alerts": STATE_REASON,
    "assumed_lanes": STATE_REASON,
    "audit_labels": PEOPLE_REASON,
    "comparators": STATE_REASON,
    "derived_with": STATE_REASON,
    "drift_accepts": PEOPLE_REASON,
    "drift_learnt": STATE_REASON,
    "drift_streams": STATE_REASON,
    "events": PEOPLE_REASON,
    "ingest_counters": STATE_REASON,
    "journal_position": STATE_REASON,
    "notification_counts": STATE_REASON,
    "policies": PEOPLE_REASON,
    "prices": STATE_REASON,
    "rederiving": STATE_REASON,
    "relaning": STATE_REASON,
    "retained": STATE_REASON,
    "retention_asked": STATE_REASON,
    "retention_loop": STATE_REASON,
    "rolled": "goes with the roll-ups it counts",
    "rollup_columns": STATE_REASON,
    "rollup_dirty": STATE_REASON,
    "rollup_skipped": "goes with the roll-ups it leaves out",
    "sampling_plans": PEOPLE_REASON,
    "weekly_exports": "what others were given; nothing of it is altered or removed",
    "schema_version": STATE_REASON,
}


@dataclass(frozen=True, slots=True)
class RetentionCuts:
    """The whole hours before which rows go, and the time before which nothing changes any more.

    A row that may still change needs what was there before it: other spans of its trace, the answer that a shadow call
    is compared with. So rows are frozen some time before the first of them go.
    """

    before: Mapping[RetentionKind, datetime]
    frozen: datetime


def retention_cuts(kept: RetentionConfig, now: datetime, window: timedelta) -> RetentionCuts:
    """The cuts of a moment. `window` is how far apart spans of one trace may be."""
    shorter = min(kept.spans, kept.requests)
    margin = min(max(window, min(MAX_LOOK_BACK, shorter / 10)), shorter / 2)
    kinds: dict[RetentionKind, timedelta] = {
        "spans": kept.spans, "requests": kept.requests, "rollups": kept.rollups, "alerts": kept.alerts
    }  # fmt: skip
    return RetentionCuts({kind: _hour(now, age) for kind, age in kinds.items()}, _hour(now, shorter - margin))


def _hour(now: datetime, age: timedelta) -> datetime:
    """The beginning of the hour that was so long ago."""
    return (now - age).replace(minute=0, second=0, microsecond=0)
