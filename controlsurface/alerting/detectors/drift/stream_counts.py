"""Counts for the drift detector, read in one statement a rule: how many requests, and how many of them are events."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from controlsurface.alerting.detectors.statistics.latency_histogram import LatencyHistogram
from controlsurface.alerting.rules.proportions import CountRatio, QuantileShares, proportion_of_metric
from controlsurface.arrays import Floats, Ints
from controlsurface.config.query_limits import OPEN_DIMENSIONS, OTHER_VALUE
from controlsurface.metrics.measures import IS_PROBABILITY_SQL, measures_of
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries.dimension_values import rank_values
from controlsurface.metrics.queries.quantile import as_bins
from controlsurface.metrics.rollups.measure_source import MeasureRequest, select_measures
from controlsurface.metrics.rollups.read_planner import plan_read
from controlsurface.metrics.rollups.rollup_catalog import bin_edges
from controlsurface.query.arguments import FilteredRange
from controlsurface.query.dimensions import dimension_column
from controlsurface.query.statement import Statement

SliceKey = tuple[str | None, ...]
StatementRunner = Callable[[Statement], pa.Table]


@dataclass(frozen=True, slots=True)
class Stream:
    """One proportion of one slice; `part` is `rate`, or the quantile that rows are counted above: `p90`."""

    part: str
    slice: SliceKey


# Values of a spread above which a row counts as an event.
QuantileBounds = Mapping[Stream, float]


@dataclass(frozen=True, slots=True)
class StreamCounts:
    """Of `streams`, buckets of `step_s` from `first_s` on: requests `n` and events `k`, both T x S.

    `whole` (T x 1): where streams are shares of one whole, the requests of all of them together.
    """

    first_s: int
    step_s: int
    streams: tuple[Stream, ...]
    n: Floats
    k: Floats
    whole: Floats | None = None

    @property
    def at_s(self) -> Ints:
        """When the buckets begin."""
        return self.first_s + self.step_s * np.arange(len(self.n), dtype=np.int64)

    def of(self, streams: Sequence[Stream]) -> "StreamCounts":
        """The same of other streams; one that is not here had no requests."""
        place = {stream: column for column, stream in enumerate(self.streams)}
        n, k = (np.zeros((len(each), len(streams))) for each in (self.n, self.k))
        n += 0.0 if self.whole is None else self.whole
        for column, stream in enumerate(streams):
            if stream in place:
                n[:, column], k[:, column] = self.n[:, place[stream]], self.k[:, place[stream]]
        return StreamCounts(self.first_s, self.step_s, tuple(streams), n, k, self.whole)

    def shared(self) -> "StreamCounts":
        """The same as shares of one whole."""
        whole = self.n.sum(axis=1, keepdims=True)
        return replace(self, n=np.tile(whole, (1, len(self.streams))), whole=whole)


@dataclass(frozen=True, slots=True)
class StreamCounter:
    """Counts of one metric by `by`, of rows that meet `where` (`dimension:value`); `rows` runs a statement.

    Metrics that `share_statements` (the measures of all of them) share `answers`: one statement for all.
    `listed` are the values of a dimension that are streams; the requests of others count towards the whole alone.
    """

    rows: StatementRunner
    metric: Metric
    by: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    together: frozenset[str] = frozenset()
    answers: dict[tuple[int, int, int], pa.Table] = field(default_factory=dict)
    listed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def share(self) -> CountRatio | QuantileShares:
        """What is counted."""
        return proportion_of_metric(self.metric)

    @property
    def is_composition(self) -> bool:
        """Whether all streams are shares of one whole."""
        asked = self.share
        return isinstance(asked, CountRatio) and asked.whole

    def between(self, start_s: int, end_s: int, step_s: int, bounds: QuantileBounds) -> StreamCounts:
        """All streams in [start, end); where a spread has no bound, there are no events."""
        asked, window = self.share, (start_s, end_s, step_s)
        if isinstance(asked, CountRatio):
            table = self._counted(frozenset({asked.k, asked.n}), window)
            found = _matrix(table, asked.n, (asked.k,), ("rate",), self.by, window)
            return _without_other(found.shared() if asked.whole else found)
        table = self.rows(self._above(asked, start_s, end_s, step_s, bounds))
        ks = [f"k_{place}" for place in range(len(asked.parts))]
        return _without_other(_matrix(table, "n", ks, asked.parts, self.by, window))

    def total_requests(self, start_s: int, end_s: int, step_s: int) -> Floats:
        """The requests (or calls) in each bucket of [start, end) that it counts events among, whatever their slice.

        `by` and `where` are none: that is what every roll-up of the source can answer.
        """
        asked, window = self.share, (start_s, end_s, step_s)
        name = asked.n if isinstance(asked, CountRatio) else "n"
        found = _matrix(self._counted(frozenset({name, "n"}), window), name, (name,), ("rate",), (), window)
        return np.asarray(found.n.sum(axis=1))

    def histograms(self, column: str, start_s: int, end_s: int) -> dict[SliceKey, LatencyHistogram]:
        """The distribution of a column in each slice."""
        wanted, rows, parameters = self._binned(column, start_s, end_s, None)
        lower, upper = bin_edges(column)
        keys = "".join(f"{name}, " for name in wanted.dimensions)
        sql = (
            f"WITH binned AS (\n{rows}\n)\nSELECT {keys}{lower} AS lower, {upper} AS upper, sum(weight) AS n\n"
            f"FROM binned\nGROUP BY {keys}bin\nORDER BY lower"
        )
        table = self.rows(Statement(sql, parameters, "alerts.histograms"))
        found: dict[SliceKey, list[tuple[float, float, float]]] = {}
        edged = zip(*(table.column(name).to_pylist() for name in ("lower", "upper", "n")), strict=True)
        for key, row in zip(_slices(table, self.by), edged, strict=True):
            found.setdefault(key, []).append(row)
        return {key: LatencyHistogram(*np.array(rows, dtype=np.float64).T) for key, rows in found.items()}

    def _counted(self, names: frozenset[str], window: tuple[int, int, int]) -> pa.Table:
        """bucket, the dimensions, and the measures of all that is counted together."""
        if window not in self.answers:
            self.answers[window] = self.rows(self._summed({*self.together, *names}, *window))
        return self.answers[window]

    def _summed(self, names: Iterable[str], start_s: int, end_s: int, step_s: int) -> Statement:
        """bucket, the dimensions, sums."""
        of = measures_of(self.metric.source, self._names())
        columns = {name: of[name].value for name in sorted(names)}
        wanted = self._wanted(start_s, end_s, step_s, columns)
        rows, parameters = select_measures(wanted, plan_read(self.rows, wanted))
        keys, sums = ", ".join(wanted.keys), ", ".join(f"sum({name}) AS {name}" for name in columns)
        sql = f"WITH measures AS (\n{rows}\n)\nSELECT {keys}, {sums}\nFROM measures\nGROUP BY {keys}"
        return Statement(sql, parameters, "alerts.counts")

    def _above(self, asked: QuantileShares, start_s: int, end_s: int, step_s: int, bounds: QuantileBounds) -> Statement:
        """bucket, the dimensions, n, k_0, ...: the rows in bins that begin at the slice's bound or above it."""
        wanted, rows, parameters = self._binned(asked.column, start_s, end_s, step_s)
        slices = list(dict.fromkeys(stream.slice for stream in bounds))
        spelled = [chr(31).join(chr(30) if value is None else value for value in key) for key in slices]
        parameters["slices"] = [*spelled, chr(29)]  # the last is nobody's: a list without items has no type
        unnested, counted = ["unnest($slices) AS slice"], []
        for place, part in enumerate(asked.parts):
            parameters[f"bound_{place}"] = [*(bounds.get(Stream(part, key), math.inf) for key in slices), math.inf]
            unnested.append(f"unnest($bound_{place}) AS bound_{place}")
            counted.append(f"coalesce(sum(weight) FILTER (lower >= bound_{place} * (1 - 1e-9)), 0) AS k_{place}")
        keys = ", ".join(wanted.keys)
        named = ", ".join(f"coalesce({name}, chr(30))" for name in wanted.dimensions) or "''"
        sql = (
            f"WITH binned AS (\n{rows}\n),\nbounds AS (SELECT {', '.join(unnested)}),\n"
            f"counted AS (\n    SELECT {keys}, {bin_edges(asked.column)[0]} AS lower, sum(weight) AS weight\n"
            f"    FROM binned GROUP BY {keys}, bin\n)\n"
            f"SELECT {keys}, sum(weight) AS n, {', '.join(counted)}\n"
            f"FROM counted LEFT JOIN bounds ON bounds.slice = concat_ws(chr(31), {named})\nGROUP BY {keys}"
        )
        return Statement(sql, parameters, "alerts.above")

    def _binned(
        self, column: str, start_s: int, end_s: int, step_s: int | None
    ) -> tuple[MeasureRequest, str, dict[str, Any]]:
        """Rows with their bin and weight."""
        one_scale = column == "confidence" and "confidence_kind" not in self._names()
        wanted = self._wanted(start_s, end_s, step_s, {}, (IS_PROBABILITY_SQL,) if one_scale else ())
        reads = as_bins(wanted, column)
        return wanted, *select_measures(reads, plan_read(self.rows, reads, column))

    def _names(self) -> set[str]:
        """The dimensions that it is broken down and filtered by."""
        return {*self.by, *FilteredRange(where=self.where).filters()}

    def _wanted(
        self, start_s: int, end_s: int, step_s: int | None, columns: dict[str, str], extra: tuple[str, ...] = ()
    ) -> MeasureRequest:
        """Columns of the metric's rows."""
        window = FilteredRange(start=utc_from_seconds(start_s), end=utc_from_seconds(end_s), where=self.where)
        step = timedelta(seconds=step_s) if step_s else None
        dimensions = tuple(dimension_column(self.metric.source, name) for name in self.by)
        return MeasureRequest(self.metric.source, columns, window, dimensions, step, extra, listed=self.listed)


def limit_streams(counting: StreamCounter, start_s: int, end_s: int, most: int) -> tuple[StreamCounter, int]:
    """The same with at most `most` streams a part, those of most requests, and how many values have none."""
    window = FilteredRange(start=utc_from_seconds(start_s), end=utc_from_seconds(end_s), where=counting.where)
    wanted = MeasureRequest(counting.metric.source, {}, window)
    dimensions = [name for name in counting.by if name in OPEN_DIMENSIONS]
    each = max(1, int(most ** (1 / max(1, len(dimensions)))))
    found = {name: rank_values(counting.rows, wanted, name, each) for name in dimensions}
    listed = {name: values for name, (values, of) in found.items() if of > len(values)}
    return replace(counting, listed=listed), sum(of - len(values) for values, of in found.values())


def _without_other(counts: StreamCounts) -> StreamCounts:
    """All streams but those of what stands for many values: what that is made of changes all the time."""
    own = [stream for stream in counts.streams if OTHER_VALUE not in stream.slice]
    return counts if len(own) == len(counts.streams) else counts.of(own)


def utc_from_seconds(at_s: float) -> datetime:
    """Seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(at_s, UTC)


def share_statements(countings: Sequence[StreamCounter]) -> list[StreamCounter]:
    """The same, so that those of one source, breakdown and filter ask the store once for all of their counts.

    What was asked is remembered by what is returned here, so it serves for one moment only.
    """
    groups: dict[object, set[str]] = {}
    answers: dict[object, dict[tuple[int, int, int], pa.Table]] = {}
    for each in countings:
        asked = each.share
        if isinstance(asked, CountRatio):
            groups.setdefault(_group(each), set()).update({asked.k, asked.n})
    return [
        replace(each, together=frozenset(groups.get(_group(each), ())), answers=answers.setdefault(_group(each), {}))
        for each in countings
    ]


def _group(counting: StreamCounter) -> object:
    return counting.metric.source, counting.by, counting.where


def _slices(table: pa.Table, by: Sequence[str]) -> list[SliceKey]:
    """Each row's slice."""
    if not by:
        return [()] * table.num_rows
    return list(zip(*(table.column(name).to_pylist() for name in by), strict=True))


def _matrix(
    table: pa.Table, n: str, ks: Sequence[str], parts: Sequence[str], by: Sequence[str], window: tuple[int, int, int]
) -> StreamCounts:
    """Rows of counts as T x S, zero where there is no row; a part is counted in each of the columns `ks`."""
    start_s, end_s, step_s = window
    slices, column = _columns(table, by)
    bucket = (table.column("bucket").cast(pa.timestamp("s")).cast(pa.int64()).to_numpy() - start_s) // step_s
    shape = (-(-(end_s - start_s) // step_s), len(slices))
    all_n, *all_k = (_column_matrix(table, name, shape, bucket, column) for name in (n, *ks))
    streams = tuple(Stream(part, key) for part in parts for key in slices)
    return StreamCounts(start_s, step_s, streams, np.tile(all_n, (1, len(parts))), np.concatenate(all_k, axis=1))


def _columns(table: pa.Table, by: Sequence[str]) -> tuple[list[SliceKey], Ints]:
    """The different slices in their order, and the place of each row's among them."""
    codes = np.zeros(table.num_rows, dtype=np.int64)
    for name in by:
        coded: Any = pc.dictionary_encode(table.column(name).combine_chunks(), null_encoding="encode")
        codes = codes * len(coded.dictionary) + coded.indices.to_numpy()
    _, first, place = np.unique(codes, return_index=True, return_inverse=True)
    slices = _slices(table.take(first), by)
    order = sorted(range(len(slices)), key=lambda each: [value or "" for value in slices[each]])
    found: Ints = np.argsort(order)[place]
    return [slices[each] for each in order], found


def _column_matrix(table: pa.Table, name: str, shape: tuple[int, int], bucket: Ints, column: Ints) -> Floats:
    """One column of the rows, in its places."""
    found = np.zeros(shape)
    found[bucket, column] = table.column(name).cast(pa.float64()).to_numpy()
    return found
