"""The one place that reads rows for metrics: the plan where they come from, and the CTE of measure columns."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from controlsurface.config.query_limits import OTHER_VALUE
from controlsurface.query.arguments import FilteredRange
from controlsurface.query.dimensions import RowSource
from controlsurface.query.statement import filter_conditions, where_clause


@dataclass(frozen=True, slots=True)
class ReadRange:
    """From `start` up to, not including, `end`; None is open."""

    start: datetime | None
    end: datetime | None

    @property
    def empty(self) -> bool:
        """Whether no moment lies in it."""
        return self.start is not None and self.end is not None and self.start >= self.end


def join_ranges(ranges: Iterable[ReadRange]) -> list[ReadRange]:
    """The ranges in order of time without empty ones, those that touch as one."""
    joined: list[ReadRange] = []
    for each in sorted((each for each in ranges if not each.empty), key=lambda each: str(each.start)):
        if joined and joined[-1].end == each.start:
            joined[-1] = ReadRange(joined[-1].start, each.end)
        else:
            joined.append(each)
    return joined


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """`rolled` without its `holes` is read from the table `rollup`, `raw` from stored rows: each moment once.

    `timeless`: rows of unknown time belong to it, too. `exact`: quantiles come from the values themselves, not from
    bins; for that no roll-up may be read, and no row stand for more than itself.
    """

    raw: tuple[ReadRange, ...]
    rollup: str | None = None
    rolled: ReadRange | None = None
    holes: tuple[ReadRange, ...] = ()
    timeless: bool = False
    exact: bool = True

    @property
    def source(self) -> Literal["raw", "rollup", "both"]:
        """What is read."""
        if self.rolled is None:
            return "raw"
        return "both" if self.raw or self.timeless else "rollup"


def stored_rows_plan(window: FilteredRange, *, exact: bool = True) -> ReadPlan:
    """The plan that reads stored rows only."""
    return ReadPlan((ReadRange(window.start, window.end),), exact=exact)


@dataclass(frozen=True, slots=True)
class MeasureRequest:
    """Columns of a source's rows (name: expression over the row `r`), within a window, by dimensions and buckets.

    `conditions` are further ones on stored rows; a roll-up was made with them. `strata` are further dimensions that
    rows are told apart by, though nobody asked for them. `listed` are the values of a dimension that stand by
    themselves; all others are `(other)`.
    """

    source: RowSource
    columns: Mapping[str, str]
    window: FilteredRange
    dimensions: tuple[str, ...] = ()
    every: timedelta | None = None
    conditions: tuple[str, ...] = ()
    strata: tuple[str, ...] = ()
    listed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """What the rows are grouped by."""
        return [*(["bucket"] if self.every else []), *self.dimensions]


def select_measures(wanted: MeasureRequest, plan: ReadPlan) -> tuple[str, dict[str, Any]]:
    """A SELECT of the keys and columns wanted, one row for each stored row or roll-up, and its parameters."""
    found, parameters = filter_conditions(wanted.source, wanted.window)
    if wanted.every:
        parameters["every"] = wanted.every
    parameters |= {f"listed_{name}": [*values, OTHER_VALUE] for name, values in wanted.listed.items()}
    moments = _moments(wanted.window, plan)
    parameters |= {name: moment for moment, name in moments.items()}
    branches = [
        *_rolled(wanted, plan, found, moments),
        *(_raw(wanted, each, found, moments) for each in plan.raw),
        *_timeless(wanted, plan, found),
    ]
    return "\n    UNION ALL\n".join(branches), parameters


def _moments(window: FilteredRange, plan: ReadPlan) -> dict[datetime, str]:
    """The name of the parameter of each moment that the plan names."""
    ranges = [*plan.raw, *plan.holes, *([plan.rolled] if plan.rolled else [])]
    cuts = sorted({moment for each in ranges for moment in (each.start, each.end) if moment is not None})
    outer = {window.start: "start", window.end: "end"}
    inner = [moment for moment in cuts if moment not in outer]
    names = {moment: outer[moment] for moment in cuts if moment in outer}
    return names | {moment: f"cut_{position}" for position, moment in enumerate(inner, 1)}


def _rolled(wanted: MeasureRequest, plan: ReadPlan, found: list[str], moments: Mapping[datetime, str]) -> Iterator[str]:
    """The rows of the roll-up."""
    if plan.rolled is None:
        return
    columns = {name: f"r.{name}" for name in wanted.columns}
    holes = [f"NOT ({' AND '.join(_within('bucket', each, moments))})" for each in plan.holes]
    conditions = [*_within("bucket", plan.rolled, moments), *holes, *found]
    yield _select(wanted, "bucket", columns, f"{plan.rollup} AS r", conditions)


def _raw(wanted: MeasureRequest, within: ReadRange, found: list[str], moments: Mapping[datetime, str]) -> str:
    """The stored rows of one range."""
    known = ["r.started_at IS NOT NULL"] if wanted.every else []
    conditions = [*_within("started_at", within, moments), *found, *wanted.conditions, *known]
    return _select(wanted, "started_at", wanted.columns, f"{_table(wanted.source, within, moments)} AS r", conditions)


def _table(source: RowSource, within: ReadRange, moments: Mapping[datetime, str]) -> str:
    """What the stored rows of a range are read from. Comparisons are joined for the range alone."""
    if source == "comparisons" and within.start and within.end:
        return f"compared(${moments[within.start]}, ${moments[within.end]})"
    return source


def _timeless(wanted: MeasureRequest, plan: ReadPlan, found: list[str]) -> Iterator[str]:
    """The stored rows of unknown time, which no roll-up has."""
    if plan.timeless:
        conditions = ["r.started_at IS NULL", *found, *wanted.conditions]
        yield _select(wanted, "started_at", wanted.columns, f"{wanted.source} AS r", conditions)


def _within(column: str, within: ReadRange, moments: Mapping[datetime, str]) -> list[str]:
    """The conditions that a column lies in a range."""
    edges = ((within.start, ">="), (within.end, "<"))
    return [f"r.{column} {operator} ${moments[moment]}" for moment, operator in edges if moment is not None]


def _select(wanted: MeasureRequest, time: str, columns: Mapping[str, str], table: str, conditions: list[str]) -> str:
    """One branch."""
    keys = {"bucket": f"time_bucket($every, r.{time})"} if wanted.every else {}
    keys |= {name: _value(wanted, name) for name in (*wanted.dimensions, *wanted.strata)}
    listed = ",\n        ".join(f"{expression} AS {name}" for name, expression in (keys | dict(columns)).items())
    return f"    SELECT\n        {listed}\n    FROM {table}{where_clause(conditions)}"


def _value(wanted: MeasureRequest, name: str) -> str:
    """A dimension's value, or what stands for all that are not listed."""
    if name not in wanted.listed:
        return f"r.{name}"
    is_listed = f"r.{name} IN (SELECT unnest($listed_{name}))"
    return f"CASE WHEN r.{name} IS NULL OR {is_listed} THEN r.{name} ELSE '{OTHER_VALUE}' END"
