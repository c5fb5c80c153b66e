"""What is kept for how long: every table that grows has a term here, and every other one a reason to be kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from controlsurface.config import RetentionConfig

RetentionKind = Literal["spans", "requests", "rollups", "alerts"]
RETENTION_KINDS: tuple[RetentionKind, ...] = get_args(RetentionKind)

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

STATE_REASON = "one row, or as many as there are things now"
PEOPLE_REASON = "what people did; nothing of it is altered or removed"
_STATE_TABLES = (
    "alert_groups alert_loop alert_rules alerts assumed_lanes comparators derived_with drift_learnt drift_streams "
    "ingest_counters journal_position notification_counts price_editions prices rederiving relaning repriced_models "
    "repricing retained retention_asked retention_loop rollup_columns rollup_dirty schema_version"
)
PERMANENT_TABLES = {
    **dict.fromkeys(_STATE_TABLES.split(), STATE_REASON),
    **dict.fromkeys(
        "audit_labels drift_accepts events incidents policies sampling_plans saved_views task_profiles".split(),
        PEOPLE_REASON,
    ),
    "rolled": "goes with the roll-ups it counts",
    "rollup_skipped": "goes with the roll-ups it leaves out",
    "restatements": "what prices closed weeks had before, and who changed them; one row a week and order",
    "bill_lines": "what providers charged; nothing of it is altered or removed",
    "weekly_exports": "what others were given; nothing of it is altered or removed",
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
    before = {kind: _hour(now, getattr(kept, kind)) for kind in RETENTION_KINDS}
    return RetentionCuts(before, _hour(now, shorter - margin))


def _hour(now: datetime, age: timedelta) -> datetime:
    """The beginning of the hour that was so long ago."""
    return (now - age).replace(minute=0, second=0, microsecond=0)
