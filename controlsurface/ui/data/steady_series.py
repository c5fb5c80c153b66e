"""Series for line charts: where a bucket rests on few rows, the store is asked about wider ones, and none is a dot.

A line of few rows jumps by chance. So a bucket of fewer than MIN_POINT_ROWS rows becomes part of one that is twice as
long, and so on up to a quarter of the window; then neighbours are joined. The wider bucket's figure is the store's own,
by the metric's formula over all of its rows: a mean of shares, or of quantiles, would be another figure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import polars as pl

from controlsurface.charts import MIN_POINT_ROWS, TimeSpan
from controlsurface.ui.data import collector_queries
from controlsurface.ui.view import MIN_POINTS, DashboardView

UTC_TIME = pl.Datetime("us", "UTC")
MIN_BLOCKS = 4  # buckets that a window is divided into at least; wider ones are neighbours joined as they need to be
SeriesName = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class SeriesLevel:
    """Rows (bucket, the dimensions, value, n, ...) in buckets of one length, which is so many cells of the chart."""

    rows: pl.DataFrame
    cells: int


@dataclass(frozen=True, slots=True)
class WideBucket:
    """A bucket of one series: the chart's cells from `first` to before `after`, and where its figure stands."""

    first: int
    after: int
    level: int
    row: int
    n: int


def steady_series(
    metric: str, view: DashboardView, by: Sequence[str] = (), within: DashboardView | None = None
) -> pl.DataFrame:
    """One metric as `steady_metrics` has it."""
    return steady_metrics([metric], view, by, within)[metric]


def steady_metrics(
    metrics: Iterable[str], view: DashboardView, by: Sequence[str] = (), within: DashboardView | None = None
) -> dict[str, pl.DataFrame]:
    """Rows (bucket, until, by, value, n, ...) of each metric, in buckets of `view.step` or as wide as they need to be.

    A sum is drawn whatever it rests on, in buckets of one length: where nothing fell, it is zero. `within` is what is
    asked about, where it is not `view`.
    """
    about, known = within or view, collector_queries.fetch_catalog()
    finest = collector_queries.query_metrics(metrics, by, view.step, about)
    sums = {name: zero_filled(rows, view.span, by) for name, rows in finest.items() if known[name].kind == "sum"}
    levels = {name: [SeriesLevel(rows, 1)] for name, rows in finest.items() if name not in sums}
    cells = 1
    while thin := [name for name, found in levels.items() if is_short(found, view.span, by)]:
        cells *= 2
        if cells * MIN_BLOCKS > len(view.span.times):
            break
        for name, rows in collector_queries.query_metrics(thin, by, view.step * cells, about).items():
            levels[name].append(SeriesLevel(rows, cells))
    for name, level in _joined_levels(levels, view.span, by, about):
        levels[name].append(level)
    return sums | {name: widened(found, view.span, by) for name, found in levels.items()}


def _joined_levels(
    levels: Mapping[str, Sequence[SeriesLevel]], span: TimeSpan, by: Sequence[str], about: DashboardView
) -> Iterator[tuple[str, SeriesLevel]]:
    """For each metric, what the store answers about the windows of `joined_windows`."""
    wanted = {name: joined_windows(found, span, by) for name, found in levels.items()}
    edges = [*(datetime.fromtimestamp(at / 1000, UTC) for at in span.times.tolist()), about.end]
    for first, after in sorted({window for found in wanted.values() for window in found}):
        names = [name for name, found in wanted.items() if (first, after) in found]
        window = replace(about, start=max(about.start, edges[first]), end=edges[after])
        for name, rows in collector_queries.query_metrics(names, by, None, window).items():
            own = set(wanted[name][first, after])
            mine = [series in own for series in rows.select(by).iter_rows()] if by else [True] * rows.height
            bucket = pl.lit(edges[first]).cast(UTC_TIME)
            yield name, SeriesLevel(rows.filter(mine).with_columns(bucket=bucket), after - first)


def zero_filled(rows: pl.DataFrame, span: TimeSpan, by: Sequence[str]) -> pl.DataFrame:
    """The rows of sums, and a zero in every bucket of a series that has none."""
    times = pl.from_epoch(pl.Series("bucket", span.times), "ms").dt.replace_time_zone("UTC").cast(UTC_TIME)
    names = rows.select(by).unique(maintain_order=True) if by else pl.DataFrame({"of": [None]})
    every = names.join(pl.DataFrame(times), how="cross").select("bucket", *by)
    found = every.join(rows, on=["bucket", *by], how="left", nulls_equal=True)
    return found.with_columns(
        until=pl.col("bucket") + span.step, value=pl.col("value").fill_null(0), n=pl.col("n").fill_null(0)
    )


def is_short(levels: Sequence[SeriesLevel], span: TimeSpan, by: Sequence[str]) -> bool:
    """Whether some bucket rests on too few rows, or is a dot, by all that was asked yet."""
    return any(_short(found, span) for _, found in _covers(levels, span, by))


def joined_windows(
    levels: Sequence[SeriesLevel], span: TimeSpan, by: Sequence[str]
) -> dict[tuple[int, int], list[SeriesName]]:
    """Which series need neighbours joined, where the widest buckets rest on too few rows still: from cell to cell."""
    found: dict[tuple[int, int], list[SeriesName]] = {}
    for name, cover in _covers(levels, span, by):
        for each in set(_joined(cover)) - set(cover):
            found.setdefault((each.first, each.after), []).append(name)
    return found


def _joined(cover: Sequence[WideBucket]) -> list[WideBucket]:
    """The cover with what rests on too few rows joined with the neighbour that rests on fewer."""
    found = list(cover)
    while len(found) > 1:
        at = next((place for place, each in enumerate(found) if each.n < MIN_POINT_ROWS), None)
        if at is None:
            break
        beside = min((place for place in (at - 1, at + 1) if 0 <= place < len(found)), key=lambda it: found[it].n)
        one, other = found[min(at, beside)], found[max(at, beside)]
        found[min(at, beside) : max(at, beside) + 1] = [
            WideBucket(one.first, other.after, len(cover), -1, one.n + other.n)
        ]
    return found


def widened(levels: Sequence[SeriesLevel], span: TimeSpan, by: Sequence[str]) -> pl.DataFrame:
    """The rows to draw, with `bucket` and `until`: the finest that rest on enough, each moment once."""
    chosen = [each for _, found in _covers(levels, span, by) for each in found if each.n >= MIN_POINT_ROWS]
    return pl.concat(_chosen_rows(levels, chosen, span), how="diagonal_relaxed").sort("bucket", maintain_order=True)


def _covers(
    levels: Sequence[SeriesLevel], span: TimeSpan, by: Sequence[str]
) -> Iterator[tuple[SeriesName, list[WideBucket]]]:
    """Each series with its buckets."""
    found = [_by_series(level, place, span, by) for place, level in enumerate(levels)]
    for name, finest in found[0].items():
        cover = finest
        for wider in found[1:]:
            cover = _widen(cover, wider.get(name, []), span)
        yield name, cover


def _by_series(level: SeriesLevel, place: int, span: TimeSpan, by: Sequence[str]) -> dict[SeriesName, list[WideBucket]]:
    """The buckets of a level, by series, in order of time."""
    found: dict[SeriesName, list[WideBucket]] = {}
    rows = level.rows.with_row_index("row").drop_nulls("bucket").sort("bucket")
    for row, at, n, *name in rows.select("row", "bucket", "n", *by).iter_rows():
        first = _cell(at, span)
        after = min(len(span.times), first + level.cells)
        found.setdefault(tuple(name), []).append(WideBucket(max(0, first), after, place, row, n))
    return found


def _cell(at: datetime, span: TimeSpan) -> int:
    """The chart's cell in which a bucket begins; a wide one may begin before the window."""
    return round((at.timestamp() * 1000 - int(span.times[0])) / (span.step / timedelta(milliseconds=1)))


def _widen(cover: list[WideBucket], wider: Sequence[WideBucket], span: TimeSpan) -> list[WideBucket]:
    """The cover with those of the wider buckets that hold one that is too short."""
    owner = {cell: each for each in wider for cell in range(each.first, each.after)}
    needed = {owner[each.first] for each in _short(cover, span) if each.first in owner}
    rest = [each for each in cover if owner.get(each.first) not in needed]
    return sorted([*rest, *needed], key=lambda each: each.first)


def _short(cover: Sequence[WideBucket], span: TimeSpan) -> list[WideBucket]:
    """Buckets that rest on too few rows, and those that would be dots: alone, and shorter than people see."""
    edges = [None, *cover, None]
    return [
        each
        for before, each, behind in zip(edges[:-2], cover, edges[2:], strict=True)
        if each.n < MIN_POINT_ROWS
        or (
            (before is None or before.after < each.first)
            and (behind is None or behind.first > each.after)
            and each.after - each.first < max(2, len(span.times) / MIN_POINTS)
        )
    ]


def _chosen_rows(levels: Sequence[SeriesLevel], chosen: Sequence[WideBucket], span: TimeSpan) -> Iterator[pl.DataFrame]:
    """The chosen rows of each level, with where their buckets begin and end in the chart."""
    step = span.step // timedelta(milliseconds=1)
    for place, level in enumerate(levels):
        own = [each for each in chosen if each.level == place]
        edges = {"bucket": [each.first for each in own], "until": [each.after for each in own]}
        times = (
            pl.from_epoch(pl.Series(name, cells, pl.Int64) * step + int(span.times[0]), "ms")
            .dt.replace_time_zone("UTC")
            .cast(UTC_TIME)
            for name, cells in edges.items()
        )
        yield level.rows[[each.row for each in own]].drop("bucket").with_columns(times)
