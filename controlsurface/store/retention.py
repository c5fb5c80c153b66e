"""What is kept for how long: every table that grows has a term here, and every other one a reason to be kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from controlsurface.config import Retention

Kind = Literal["spans", "requests", "rollups", "alerts"]

LOOK_BACK = timedelta(days=7, hours=1)  # how far before a shadow call the answer it is compared with is looked for


@dataclass(frozen=True, slots=True)
class Term:
    """A table whose rows go when the time in `column` is older than `[retention]` keeps its kind; `only` of those."""

    table: str
    kind: Kind
    column: str
    only: str = "TRUE"


# Rows of which roll-ups are made: they go by whole hours, once these are made.
ROLLED = (Term("requests", "requests", "started_at"), Term("attempts", "requests", "started_at"))
SPANS = Term("spans", "spans", "started_at")
OTHERS = (
    Term("uncounted_usage", "requests", "started_at"),
    Term("evaluations", "requests", "evaluated_at"),
    Term("sampled_requests", "requests", "sampled_at"),
    Term("audit_items", "requests", "started_at", "item_id NOT IN (SELECT item_id FROM audit_labels)"),
    Term("set_aside", "requests", "set_aside_at"),
    Term("attribute_keys", "requests", "last_seen"),
    Term("dropped_keys", "requests", "last_seen"),
    Term("dimension_values", "requests", "day"),
    Term("values_over_limit", "requests", "day"),
    Term("arrivals", "rollups", "started_at"),
    Term("alert_history", "alerts", '"at"'),
    Term("alert_episodes", "alerts", "ends_at"),
    Term("outbox", "alerts", "created_at", "state <> 'waiting'"),
    Term("notification_log", "alerts", '"at"'),
    Term("silences", "alerts", "ends_at"),
    Term("retention_runs", "alerts", "ran_at"),
)
TERMS = (SPANS, *ROLLED, *OTHERS)

STATE, TOLD = "one row, or as many as there are things now", "what people did; nothing of it is altered or removed"
KEPT = {
    "alert_groups": STATE,
    "alert_loop": STATE,
    "alert_rules": STATE,
    "alerts": STATE,
    "assumed_lanes": STATE,
    "audit_labels": TOLD,
    "comparators": STATE,
    "derived_with": STATE,
    "drift_accepts": TOLD,
    "drift_learnt": STATE,
    "drift_streams": STATE,
    "events": TOLD,
    "ingest_counters": STATE,
    "journal_position": STATE,
    "notification_counts": STATE,
    "policies": TOLD,
    "prices": STATE,
    "rederiving": STATE,
    "relaning": STATE,
    "retained": STATE,
    "retention_asked": STATE,
    "retention_loop": STATE,
    "rolled": "goes with the roll-ups it counts",
    "rollup_columns": STATE,
    "rollup_dirty": STATE,
    "rollup_skipped": "goes with the roll-ups it leaves out",
    "sampling_plans": TOLD,
    "weekly_exports": "what others were given; nothing of it is altered or removed",
    "schema_version": STATE,
}


@dataclass(frozen=True, slots=True)
class Cuts:
    """The whole hours before which rows go, and the time before which nothing changes any more.

    A row that may still change needs what was there before it: other spans of its trace, the answer that a shadow call
    is compared with. So rows are frozen some time before the first of them go.
    """

    before: Mapping[Kind, datetime]
    frozen: datetime


def cuts(kept: Retention, now: datetime, window: timedelta) -> Cuts:
    """The cuts of a moment. `window` is how far apart spans of one trace may be."""
    shorter = min(kept.spans, kept.requests)
    margin = min(max(window, min(LOOK_BACK, shorter / 10)), shorter / 2)
    kinds: dict[Kind, timedelta] = {
        "spans": kept.spans, "requests": kept.requests, "rollups": kept.rollups, "alerts": kept.alerts
    }  # fmt: skip
    return Cuts({kind: _hour(now, age) for kind, age in kinds.items()}, _hour(now, shorter - margin))


def _hour(now: datetime, age: timedelta) -> datetime:
    """The beginning of the hour that was so long ago."""
    return (now - age).replace(minute=0, second=0, microsecond=0)
