"""Counts for the drift detector, read in one statement a rule: how many requests, and how many of them are events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from controlsurface.alerting.baseline import Floats, Ints
from controlsurface.alerting.lanes import Histogram
from controlsurface.alerting.shares import Counted, Spread, share
from controlsurface.metrics.arguments import Window
from controlsurface.metrics.bins import edges, number
from controlsurface.metrics.dimensions import Source, known
from controlsurface.metrics.measures import MEASURES, SPREADS
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.statement import Statement, conditions, where

Slice = tuple[str | None, ...]
Rows = Callable[[Statement], pa.Table]

_KEY = "concat_ws(chr(31), {})"
_UNKNOWN = chr(30)
_PROBABILITIES = "(r.confidence_kind = 'probability' OR r.confidence_kind IS NULL)"


@dataclass(frozen=True, slots=True)
class Stream:
    """One proportion of one slice; `part` is `rate`, or the quantile that rows are counted above: `p90`."""

    part: str
    slice: Slice


@dataclass(frozen=True, slots=True)
class Counts:
    """Of `streams`, buckets of `step_s` from `first_s` on: requests `n` and events `k`, both T x S."""

    first_s: int
    step_s: int
    streams: tuple[Stream, ...]
    n: Floats
    k: Floats

    @property
    def at_s(self) -> Ints:
        """When the buckets begin."""
        return self.first_s + self.step_s * np.arange(len(self.n), dtype=np.int64)

    def of(self, streams: Sequence[Stream]) -> "Counts":
        """The same of other streams; one that is not here had no requests."""
        place = {stream: column for column, stream in enumerate(self.streams)}
        n, k = (np.zeros((len(each), len(streams))) for each in (self.n, self.k))
        for column, stream in enumerate(streams):
            if stream in place:
                n[:, column], k[:, column] = self.n[:, place[stream]], self.k[:, place[stream]]
        return Counts(self.first_s, self.step_s, tuple(streams), n, k)


@dataclass(frozen=True, slots=True)
class Counting:
    """Counts of one metric by `by`, of rows that meet `where` (`dimension:value`); `rows` runs a statement."""

    rows: Rows
    metric: Metric
    by: tuple[str, ...] = ()
    where: tuple[str, ...] = ()

    @property
    def share(self) -> Counted | Spread:
        """What is counted."""
        return share(self.metric)

    def between(self, start_s: int, end_s: int, step_s: int, bounds: dict[Stream, float]) -> Counts:
        """All streams in [start, end). `bounds` are the values of a spread above which a row counts as an event."""
        asked = self.share
        if isinstance(asked, Counted):
            statement = self._counted(asked, start_s, end_s, step_s)
        elif bounds:
            statement = self._above(asked, start_s, end_s, step_s, bounds)
        else:
            return Counts(start_s, step_s, (), np.zeros((0, 0)), np.zeros((0, 0)))
        return _matrix(self.rows(statement), asked.parts, len(self.by), (start_s, end_s, step_s))

    def histograms(self, column: str, start_s: int, end_s: int) -> dict[Slice, Histogram]:
        """The distribution of a column in each slice."""
        source, parameters = self._binned(column, start_s, end_s, None)
        lower, upper = edges(column)
        names = self._names()
        sql = (
            f"WITH binned AS (\n{source}\n)\n"
            f"SELECT {''.join(f'{name}, ' for name in names)}{lower} AS lower, {upper} AS upper, sum(weight) AS n\n"
            f"FROM binned\nGROUP BY {''.join(f'{name}, ' for name in names)}bin\nORDER BY lower"
        )
        table = self.rows(Statement(sql, parameters))
        found: dict[Slice, list[tuple[float, float, float]]] = {}
        edged = zip(*(table.column(name).to_pylist() for name in ("lower", "upper", "n")), strict=True)
        for key, row in zip(_slices(table, len(self.by)), edged, strict=True):
            found.setdefault(key, []).append(row)
        return {key: Histogram(*np.array(rows, dtype=np.float64).T) for key, rows in found.items()}

    def _names(self) -> list[str]:
        return [f"by_{place}" for place in range(len(self.by))]

    def _counted(self, asked: Counted, start_s: int, end_s: int, step_s: int) -> Statement:
        """bucket, by_0..., n, k_0."""
        of = MEASURES[self.metric.source]
        columns = {"n": of[asked.n].value, "k_0": of[asked.k].value}
        rows, parameters = self._rows(self.metric.source, columns, start_s, end_s, step_s)
        keys = ", ".join(["bucket", *self._names()])
        sql = f"WITH measures AS (\n{rows}\n)\nSELECT {keys}, sum(n) AS n, sum(k_0) AS k_0\nFROM measures\nGROUP BY {keys}"
        return Statement(sql, parameters)

    def _above(
        self, asked: Spread, start_s: int, end_s: int, step_s: int, bounds: dict[Stream, float]
    ) -> Statement:
        """bucket, by_0..., n, k_0, ...: the rows in bins that begin at the slice's bound or above it."""
        rows, parameters = self._binned(asked.column, start_s, end_s, step_s)
        slices = list(dict.fromkeys(stream.slice for stream in bounds))
        parameters["slices"] = [chr(31).join(_UNKNOWN if value is None else value for value in key) for key in slices]
        unnested, counted = ["unnest($slices) AS slice"], []
        for place, part in enumerate(asked.parts):
            parameters[f"bound_{place}"] = [bounds.get(Stream(part, key), float("inf")) for key in slices]
            unnested.append(f"unnest($bound_{place}) AS bound_{place}")
            counted.append(f"coalesce(sum(weight) FILTER (lower >= bound_{place} * (1 - 1e-9)), 0) AS k_{place}")
        lower, _ = edges(asked.column)
        key = ", ".join(f"coalesce({name}, chr(30))" for name in self._names()) or "''"
        keys = ", ".join(["bucket", *self._names()])
        sql = (
            f"WITH binned AS (\n{rows}\n),\nbounds AS (SELECT {', '.join(unnested)}),\n"
            f"counted AS (\n    SELECT {keys}, {lower} AS lower, sum(weight) AS weight\n"
            f"    FROM binned GROUP BY {keys}, bin\n)\n"
            f"SELECT {keys}, sum(weight) AS n, {', '.join(counted)}\n"
            f"FROM counted JOIN bounds ON bounds.slice = {_KEY.format(key)}\nGROUP BY {keys}"
        )
        return Statement(sql, parameters)

    def _binned(self, column: str, start_s: int, end_s: int, step_s: int | None) -> tuple[str, dict[str, Any]]:
        """Rows with their bin."""
        value = SPREADS[self.metric.source][column]
        found = [f"{value} IS NOT NULL", *([_PROBABILITIES] if column == "confidence" else [])]
        columns = {"bin": number(column, value), "weight": "r.sample_weight"}
        return self._rows(self.metric.source, columns, start_s, end_s, step_s, found)

    def _rows(
        self,
        source: Source,
        columns: dict[str, str],
        start_s: int,
        end_s: int,
        step_s: int | None,
        extra: Sequence[str] = (),
    ) -> tuple[str, dict[str, Any]]:
        """The rows that are summed, with their bucket and slice."""
        window = Window(start=moment(start_s), end=moment(end_s), where=self.where)
        found, parameters = conditions(source, window)
        keys = {f"by_{place}": f"r.{known(source, name)}" for place, name in enumerate(self.by)}
        if step_s:
            keys["bucket"] = "time_bucket($every, r.started_at)"
            parameters["every"] = timedelta(seconds=step_s)
        listed = ", ".join(f"{expression} AS {name}" for name, expression in (keys | columns).items())
        return f"    SELECT {listed}\n    FROM {source} AS r{where([*found, *extra])}", parameters


def moment(at_s: float) -> datetime:
    """Seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(at_s, UTC)


def _slices(table: pa.Table, dimensions: int) -> list[Slice]:
    """Each row's slice."""
    if not dimensions:
        return [()] * table.num_rows
    return list(zip(*(table.column(f"by_{place}").to_pylist() for place in range(dimensions)), strict=True))


def _matrix(table: pa.Table, parts: tuple[str, ...], dimensions: int, window: tuple[int, int, int]) -> Counts:
    """Rows of counts as T x S, zero where there is no row."""
    start_s, end_s, step_s = window
    slices = _slices(table, dimensions)
    order = {key: place for place, key in enumerate(sorted(set(slices), key=lambda key: [value or "" for value in key]))}
    column = np.array([order[key] for key in slices], dtype=np.int64)
    bucket = (table.column("bucket").cast(pa.timestamp("s")).cast(pa.int64()).to_numpy() - start_s) // step_s
    shape = (-(-(end_s - start_s) // step_s), len(order))
    n, *ks = (_spread_out(table, name, shape, bucket, column) for name in ("n", *(f"k_{p}" for p in range(len(parts)))))
    streams = tuple(Stream(part, key) for part in parts for key in order)
    return Counts(start_s, step_s, streams, np.concatenate([n] * len(parts), axis=1), np.concatenate(ks, axis=1))


def _spread_out(table: pa.Table, name: str, shape: tuple[int, int], bucket: Ints, column: Ints) -> Floats:
    """One column of the rows, in its places."""
    found = np.zeros(shape)
    found[bucket, column] = table.column(name).cast(pa.float64()).to_numpy()
    return found
