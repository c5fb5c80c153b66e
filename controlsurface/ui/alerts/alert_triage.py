"""The address of an alert's triage: the window, slice, metric and comparison by which its rule judged it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from controlsurface.alerting.model import dedup_key
from controlsurface.alerting.rules.rule_models import (
    RULE_CLASSES,
    BudgetRule,
    LaneRule,
    MetricBound,
    MetricRule,
    ThresholdRule,
)
from controlsurface.query.dimensions import SHARED_DIMENSIONS
from controlsurface.ui.navigation.triage_selection import SLICE_PARAMETER, baseline_parameters, triage_parameters
from controlsurface.ui.navigation.view_controls import custom_range_parameters
from controlsurface.ui.view import UNKNOWN_VALUE_LABEL

Row = Mapping[str, Any]
Window = tuple[datetime, datetime]

ALERT_PARAMETER = "alert"  # the key of the alert that a link leads to the triage of
MIN_TIME_BEFORE, MIN_ONSET_AGE = timedelta(hours=6), timedelta(minutes=15)
BUDGET_METRIC = "cost"


def alert_triage_parameters(row: Row) -> dict[str, object]:
    """Of the alert whose row of `AlertsQuery` this is; only its own filters."""
    rule = RULE_CLASSES[row["kind"]].model_validate_json(row["definition"]) if row["definition"] else None
    start, end = _selection(row, rule)
    baseline = _comparison(rule, start, end)
    since = baseline[0] if baseline else start - max(MIN_TIME_BEFORE, end - start)
    metric = rule.metric if isinstance(rule, MetricRule) else BUDGET_METRIC if isinstance(rule, BudgetRule) else ""
    pairs = _pairs(row, rule.where_pairs if rule else ())
    filters = _filters(pairs)
    own = [pair for pair in pairs if pair.partition(":")[0] not in SHARED_DIMENSIONS]
    return {
        ALERT_PARAMETER: alert_key(row),
        **custom_range_parameters(since, end),
        **filters,
        **({"metric": metric} if metric else {}),
        **triage_parameters(start, end),
        **(baseline_parameters(*baseline) if baseline else {}),
        **({SLICE_PARAMETER: own} if own else {}),
        **{name: () for name in SHARED_DIMENSIONS if name not in filters},
    }


def alert_key(row: Row) -> str:
    """The name of an alert's episode."""
    return dedup_key(row["rule"], orjson.loads(row["labels"]), row["active_at"])


def _selection(row: Row, rule: object) -> Window:
    """What the rule last looked at; of a rule without a window, the time since the estimated change."""
    if isinstance(rule, ThresholdRule | BudgetRule | LaneRule):
        end = row["keep_firing_since"] or row["seen_at"]
        return end - rule.over, end
    end = row["resolved_at"] or datetime.now(UTC)
    return min(row["onset"] or row["active_at"], end - MIN_ONSET_AGE), end


def _comparison(rule: object, start: datetime, end: datetime) -> Window | None:
    """The earlier window that the rule compares with, up to where its own begins; None for a number."""
    bound = rule.bound if isinstance(rule, ThresholdRule) else None
    if (
        not isinstance(rule, ThresholdRule)
        or not isinstance(bound, MetricBound)
        or bound.metric not in {None, rule.metric}
    ):
        return None
    edge = end - bound.offset
    found = edge - (bound.over or rule.over), min(edge, start)
    return found if found[0] < found[1] else None


def _pairs(row: Row, rule_pairs: tuple[str, ...]) -> list[str]:
    """The rule's own filter and the alert's slice as `dimension:value`; the slice is narrower."""
    sliced = {name: value or "" for name, value in orjson.loads(row["slice"]).items()}
    others = [pair for pair in rule_pairs if pair.partition(":")[0] not in sliced]
    return [*others, *(f"{name}:{value}" for name, value in sliced.items())]


def _filters(pairs: list[str]) -> dict[str, list[str]]:
    """The pairs that all pages filter by, as their filters have them."""
    found: dict[str, list[str]] = {}
    for name, _, value in (pair.partition(":") for pair in pairs):
        if name in SHARED_DIMENSIONS:
            found.setdefault(name, []).append(value or UNKNOWN_VALUE_LABEL)
    return found
