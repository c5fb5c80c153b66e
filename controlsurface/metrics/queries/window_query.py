"""Several metrics over several windows in one statement: what many rules are judged by at one moment.

Time is cut at the edges of all windows. Each row is summed into the piece between two cuts once, from a roll-up where
one has the piece, and a window is the sum of its pieces.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import Any

import pyarrow as pa

from controlsurface.metrics import counterfactual, formula
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries.metric_query import wilson_end_sql
from controlsurface.metrics.rollups.measure_source import MeasureRequest, ReadRange, join_ranges
from controlsurface.metrics.rollups.read_planner import (
    MAX_SHORT_STEP_WINDOW,
    RunStatement,
    choose_rollup,
    divide_window,
    pending_buckets,
)
from controlsurface.metrics.rollups.rollup_catalog import is_additive_formula
from controlsurface.query.arguments import FilteredRange
from controlsurface.query.dimensions import RowSource, dimension_column
from controlsurface.query.statement import Statement, filter_conditions, row_limit, where_clause

MAX_RAW_ROWS = 50_000  # stored rows that are read as quickly as a roll-up of them


def is_additive(metric: Metric) -> bool:
    """Whether a window's figure follows from the sums of its pieces."""
    return is_additive_formula(metric.sql)


@dataclass(frozen=True)
class WindowArgs:
    """Additive metrics of one source; `where_clause` are conditions as `dimension:value`. Windows are [start, end)."""

    metrics: tuple[str, ...]
    by: tuple[str, ...]
    where: tuple[str, ...]
    windows: tuple[tuple[datetime, datetime], ...]

    @cached_property
    def wanted(self) -> MeasureRequest:
        """What the formulas read, from the first moment of any window to the last. Raises UnknownName."""
        asked = [CATALOG[name] for name in self.metrics]
        window = FilteredRange(start=self.cuts[0], end=self.cuts[-1], where=self.where)
        names = {*self.by, *window.filters()}
        columns = {name: text for metric in asked for name, text in formula.measure_columns(metric, names).items()}
        source = asked[0].source
        dimensions = tuple(dimension_column(source, name) for name in self.by)
        return MeasureRequest(
            source, columns, window, dimensions, strata=counterfactual.stratum_dimensions(asked, dimensions)
        )

    @cached_property
    def cuts(self) -> list[datetime]:
        """All edges, in order."""
        return sorted({edge for window in self.windows for edge in window})

    @property
    def pieces(self) -> list[ReadRange]:
        """What lies between two cuts and within a window."""
        return [
            ReadRange(start, end)
            for start, end in pairwise(self.cuts)
            if any(first <= start and end <= last for first, last in self.windows)
        ]


@dataclass(frozen=True, slots=True)
class WindowReads:
    """Which stretches are read from stored rows, and which whole buckets from a roll-up."""

    raw: tuple[ReadRange, ...]
    rollup: str = ""
    rolled: tuple[ReadRange, ...] = ()


def run_windows(rows: RunStatement, args: WindowArgs) -> pa.Table:
    """One row a window (its number, `span`) and slice that has rows; of metric i: value_i, n_i, low_i, high_i."""
    statement = render_windows(args, plan_windows(rows, args))
    return statement.bounded(rows(statement))


def plan_windows(rows: RunStatement, args: WindowArgs, few: int = MAX_RAW_ROWS) -> WindowReads:
    """The quickest way to the same figures: stored rows where they are `few`, or all of them are of late."""
    brief = args.cuts[-1] - args.cuts[0] < MAX_SHORT_STEP_WINDOW
    rollup = None if brief else choose_rollup(args.wanted)
    marked = pending_buckets(rows, args.wanted, rollup, few) if rollup else None
    if rollup is None or marked is None:
        return WindowReads(tuple(join_ranges(args.pieces)))
    plans = [(piece, divide_window(piece, rollup, marked)) for piece in args.pieces]
    raw = [each for piece, plan in plans for each in (plan.raw if plan else (piece,))]
    rolled = [each for _, plan in plans if plan and plan.rolled for each in _without(plan.rolled, plan.holes)]
    return WindowReads(tuple(join_ranges(raw)), rollup.name, tuple(join_ranges(rolled)))


def _without(whole: ReadRange, holes: Sequence[ReadRange]) -> Iterator[ReadRange]:
    """What is left of a stretch."""
    start = whole.start
    for hole in holes:
        yield ReadRange(start, hole.start)
        start = hole.end
    yield ReadRange(start, whole.end)


def render_windows(args: WindowArgs, reads: WindowReads) -> Statement:
    """The statement of `run_windows`."""
    named, parameters = dict[datetime, str](), dict[str, Any]()
    found, filters = filter_conditions(args.wanted.source, args.wanted.window)
    branches = []
    if reads.raw:
        stretches = [_stretch(args.wanted.source, each, named) for each in reads.raw]
        rows = "(\n        " + "\n        UNION ALL\n        ".join(stretches) + "\n    )"
        branches.append(_branch(args, rows, "started_at", args.wanted.columns, found, named))
    if reads.rolled:
        columns = {name: f"r.{name}" for name in args.wanted.columns}
        inside = " OR ".join(f"({_within('bucket', each, named)})" for each in reads.rolled)
        branches.append(_branch(args, reads.rollup, "bucket", columns, [f"({inside})", *found], named))
    parameters |= {name: moment for moment, name in named.items()} | filters | _spans(args)
    measures = "\n    UNION ALL\n".join(branches)
    sql = f"WITH measures AS (\n{measures}\n),\n{_summed(args)},\n{_figures(args)}"
    return Statement(sql, parameters | row_limit(), "alerts.windows")


def _moment(moment: datetime | None, named: dict[datetime, str]) -> str:
    """The parameter of a moment."""
    assert moment is not None  # noqa: S101 - windows are closed on both sides
    return "$" + named.setdefault(moment, f"at_{len(named)}")


def _stretch(source: RowSource, stretch: ReadRange, named: dict[datetime, str]) -> str:
    """Stored rows of one stretch. Comparisons are joined for the stretch alone."""
    if source == "comparisons":
        return f"SELECT * FROM compared({_moment(stretch.start, named)}, {_moment(stretch.end, named)})"
    return f"SELECT * FROM {source} AS r WHERE {_within('started_at', stretch, named)}"


def _within(column: str, stretch: ReadRange, named: dict[datetime, str]) -> str:
    return f"r.{column} >= {_moment(stretch.start, named)} AND r.{column} < {_moment(stretch.end, named)}"


def _branch(
    args: WindowArgs,
    rows: str,
    time: str,
    columns: Mapping[str, str],
    found: list[str],
    named: dict[datetime, str],
) -> str:
    """Rows with the number of their piece."""
    ends = " ".join(f"WHEN r.{time} < {_moment(cut, named)} THEN {i}" for i, cut in enumerate(args.cuts[1:]))
    told_apart = (*args.wanted.dimensions, *args.wanted.strata)
    listed = [f"CASE {ends} END AS piece", *(f"r.{name} AS {name}" for name in told_apart)]
    listed += [f"{text} AS {name}" for name, text in columns.items()]
    return "    SELECT\n        " + ",\n        ".join(listed) + f"\n    FROM {rows} AS r{where_clause(found)}"


def _spans(args: WindowArgs) -> dict[str, Any]:
    """The windows, as numbers of pieces."""
    place = {cut: i for i, cut in enumerate(args.cuts)}
    return {
        "spans": list(range(len(args.windows))),
        "firsts": [place[first] for first, _ in args.windows],
        "lasts": [place[last] for _, last in args.windows],
    }


def _summed(args: WindowArgs) -> str:
    """The sums of each piece, and which pieces a window has."""
    keys = ", ".join(["piece", *args.wanted.dimensions, *args.wanted.strata])
    sums = ", ".join(f"sum({name}) AS {name}" for name in args.wanted.columns)
    return (
        f"pieces AS (\n    SELECT {keys}, {sums}\n    FROM measures GROUP BY {keys}\n),\n"
        "spans AS (SELECT unnest($spans) AS span, unnest($firsts) AS first_piece, unnest($lasts) AS last_piece)"
    )


def _figures(args: WindowArgs) -> str:
    """The formulas, a row a window and slice."""
    keys = ", ".join(["span", *args.wanted.dimensions])
    inner, outer = [keys], [keys]
    for i, metric in enumerate(CATALOG[name] for name in args.metrics):
        inner += [
            f"{formula.value_sql(metric, 'span')} AS value_{i}",
            f"{formula.row_count_sql(metric, 'span')} AS n_{i}",
        ]
        outer += [f"CAST(value_{i} AS DOUBLE) AS value_{i}", f"CAST(coalesce(n_{i}, 0) AS BIGINT) AS n_{i}"]
        if metric.kind == "ratio":
            inner.append(f"{formula.effective_size_sql(metric, 'span')} AS effective_{i}")
            ends = ((end, wilson_end_sql(end, f"value_{i}", f"n_{i}", f"effective_{i}")) for end in ("low", "high"))
            outer += [f"CAST({text} AS DOUBLE) AS {end}_{i}" for end, text in ends]
    listed = ",\n        ".join(inner)
    shown = ",\n    ".join(outer)
    spanned = "spanned AS (SELECT * FROM spans JOIN pieces ON piece >= first_piece AND piece < last_piece),\n"
    asked = [CATALOG[name] for name in args.metrics]
    made = counterfactual.counterfactual_stage(asked, "spanned", ["span", *args.wanted.dimensions], within="span")
    return (
        f"{spanned}{made.ctes}"
        f"figures AS (\n    SELECT\n        {listed}\n    FROM {made.relation}\n    GROUP BY {keys}\n)\n"
        f"SELECT\n    {shown}\nFROM figures\nLIMIT $row_limit"
    )
