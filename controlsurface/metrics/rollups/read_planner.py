"""Choosing a roll-up for a question, and what of the window it can answer: the rest is read from stored rows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa

from controlsurface.metrics.rollups.measure_source import (
    MeasureRequest,
    ReadPlan,
    ReadRange,
    join_ranges,
    stored_rows_plan,
)
from controlsurface.metrics.rollups.rollup_catalog import LONG_STEP, SHORT_STEP, Rollup, covering_rollups
from controlsurface.query.statement import Statement, window_conditions

RunStatement = Callable[[Statement], pa.Table]

MAX_RAW_ROWS = 400_000  # stored rows under which a window is read from them: quick enough, and exact in its quantiles
MAX_HOLES = 8  # ranges read from stored rows within a roll-up; more are joined, with what lies between
MAX_SHORT_STEP_WINDOW = timedelta(hours=12)  # windows under it are better cut at five minutes than at an hour
WEEK_ORIGIN = datetime(2000, 1, 3, tzinfo=UTC)  # where time_bucket counts from

_SIZE = """
SELECT
    coalesce(sum({counted}), 0) AS stored,
    (SELECT max(gone_before) FROM retained WHERE kind = 'requests') AS gone_before
FROM rolled WHERE step_s = $step_s{within}
"""
_STATE = """
SELECT
    (SELECT count(*) FROM rollup_columns WHERE rollup = $rollup AND list_contains($names, name)) AS known,
    (SELECT list(bucket ORDER BY bucket) FROM (
        SELECT bucket FROM rollup_dirty WHERE step_s = $step_s
        UNION SELECT bucket FROM rollup_skipped WHERE rollup = $rollup
    ){where}) AS pending
"""
_GONE = Statement(
    "SELECT max(gone_before) AS gone_before FROM retained WHERE kind = 'requests'", {}, "plan.gone", again=True
)


def plan_read(rows: RunStatement, wanted: MeasureRequest, spread: str | None = None) -> ReadPlan:
    """The quickest plan that gives the same figures; for quantiles of a `spread`, within its bins where it is large."""
    rollup = choose_rollup(wanted, spread)
    if rollup and rollup.step == SHORT_STEP and _partly_gone(wanted, rows(_GONE).to_pylist()[0]):
        rollup = choose_rollup(wanted, spread, LONG_STEP)  # five-minute buckets go with the rows they were made of
    plan = _rolled(rows, wanted, rollup) if rollup else None
    if plan:
        return plan
    return stored_rows_plan(wanted.window, exact=not (spread and _weighted(rows, wanted)))


def choose_rollup(wanted: MeasureRequest, spread: str | None = None, step: timedelta | None = None) -> Rollup | None:
    """The roll-up that fits; of the `step`, if there is one."""
    dimensions = frozenset({*wanted.dimensions, *wanted.strata, *wanted.window.filters()})
    fitting = [
        each
        for each in covering_rollups(wanted.source, wanted.columns, dimensions, spread)
        if wanted.every is None or not wanted.every % each.step
    ]
    start, end = wanted.window.start, wanted.window.end or datetime.now(UTC)
    best = step or (SHORT_STEP if start and end - start < MAX_SHORT_STEP_WINDOW else LONG_STEP)
    return next((each for each in fitting if each.step == best), fitting[0] if fitting else None)


def _rolled(rows: RunStatement, wanted: MeasureRequest, rollup: Rollup) -> ReadPlan | None:
    """The plan over a roll-up; None where it has not all columns, or stored rows are as quick."""
    marked = pending_buckets(rows, wanted, rollup, MAX_RAW_ROWS)
    if marked is None:
        return None
    window = ReadRange(wanted.window.start, wanted.window.end)
    plan = divide_window(window, rollup, marked)
    everything = window.start is None and window.end is None and wanted.every is None
    return replace(plan, timeless=everything) if plan else None


def pending_buckets(rows: RunStatement, wanted: MeasureRequest, rollup: Rollup, least: int) -> list[datetime] | None:
    """The buckets that a roll-up has not; None where it lacks a column, or stands for fewer than `least` rows.

    Where some of these rows are gone, it is all there is, and stands for as many as may be.
    """
    size, state = _state(wanted, rollup)
    found = rows(size).to_pylist()[0]
    if found["stored"] < least and not _partly_gone(wanted, found):
        return None
    ready = rows(state).to_pylist()[0]
    return (ready["pending"] or []) if ready["known"] >= len(_names(wanted, rollup)) else None


def _partly_gone(wanted: MeasureRequest, state: Mapping[str, Any]) -> bool:
    """Whether rows of the window are not stored any more."""
    gone, start = state["gone_before"], wanted.window.start
    return gone is not None and (start is None or start < gone)


def _names(wanted: MeasureRequest, rollup: Rollup) -> list[str]:
    """The columns that are read of it."""
    return ["bin", "n", "weight"] if rollup.spread else [*wanted.columns]


def _state(wanted: MeasureRequest, rollup: Rollup) -> tuple[Statement, Statement]:
    """The questions how many stored rows of the window a roll-up stands for, and what of it is ready."""
    found, parameters = window_conditions(wanted.source, wanted.window.model_copy(update={"where": ()}))
    edges = [each.replace("r.started_at", "bucket") for each in found]
    parameters |= {"step_s": rollup.step_s}
    counted = "attempts" if wanted.source == "attempts" else "requests"
    size = _SIZE.format(counted=counted, within="".join(f" AND {each}" for each in edges))
    state = _STATE.format(where=f" WHERE {' AND '.join(edges)}" if edges else "")
    names = {"rollup": rollup.name, "names": _names(wanted, rollup)}
    return (
        Statement(size, parameters, "plan.size", again=True),
        Statement(state, parameters | names, "plan.pending", again=True),
    )


def _weighted(rows: RunStatement, wanted: MeasureRequest) -> bool:
    """Whether a row of the window stands for more than itself. Statistics of row groups answer, where none does."""
    found, parameters = window_conditions(wanted.source, wanted.window.model_copy(update={"where": ()}))
    met = " AND ".join([*found, "r.sample_weight <> 1"])
    sql = f"SELECT 1 FROM {wanted.source} AS r WHERE {met} LIMIT 1"
    return rows(Statement(sql, parameters, "plan.weighted", again=True)).num_rows > 0


def divide_window(window: ReadRange, rollup: Rollup, pending: Iterable[datetime]) -> ReadPlan | None:
    """The plan of a window: whole buckets that are not pending from the roll-up. None where there is none."""
    step = rollup.step
    start = None if window.start is None else -((WEEK_ORIGIN - window.start) // step) * step + WEEK_ORIGIN
    end = None if window.end is None else (window.end - WEEK_ORIGIN) // step * step + WEEK_ORIGIN
    marked = set(pending)
    within = [
        ReadRange(bucket, bucket + step)
        for bucket in sorted(marked)
        if (start is None or bucket >= start) and (end is None or bucket < end)
    ]
    holes = _fewer(join_ranges(within))
    if holes and holes[0].start == start:
        start = holes.pop(0).end
    if holes and holes[-1].end == end:
        end = holes.pop().start
    whole = ReadRange(start, end)
    if whole.empty:
        return None
    edges = [
        *([ReadRange(window.start, start)] if start else []),
        *holes,
        *([ReadRange(end, window.end)] if end else []),
    ]
    raw = tuple(each for each in edges if not each.empty)
    return ReadPlan(raw, rollup.name, whole, tuple(holes), exact=False)


def _fewer(ranges: list[ReadRange]) -> list[ReadRange]:
    """At most MAX_HOLES ranges that hold all of them: those with the least between them are joined."""
    if len(ranges) <= MAX_HOLES:
        return ranges
    gaps = sorted(
        (_moment(later.start) - _moment(earlier.end), position)
        for position, (earlier, later) in enumerate(pairwise(ranges))
    )
    kept = sorted(position for _, position in gaps[-(MAX_HOLES - 1) :])
    firsts, lasts = [0, *(position + 1 for position in kept)], [*kept, len(ranges) - 1]
    return [ReadRange(ranges[first].start, ranges[last].end) for first, last in zip(firsts, lasts, strict=True)]


def _moment(moment: datetime | None) -> datetime:
    """An edge of a bucket, which always has one."""
    return moment or WEEK_ORIGIN
