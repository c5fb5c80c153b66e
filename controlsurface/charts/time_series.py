"""Values over time: lines with gaps where nothing is known, stacked areas, and two windows marked in one metric.

A line is drawn in buckets that may be wider than the chart's (`until`), where they would rest on few rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from controlsurface.charts.figure import (
    ChartFigure,
    EventMark,
    PlotlyTrace,
    build_figure,
    hover_format,
    plotly_text,
    unit_scale,
    value_axis,
)
from controlsurface.charts.line_annotations import (
    MAX_BANDS,
    end_labels,
    interval_band,
    label_margin,
    value_range,
)
from controlsurface.charts.palette import Palette
from controlsurface.charts.wide_buckets import MIN_POINT_ROWS, cell_rows, with_lengths

TEXT_LINE_PX = 13  # pixels of a line of words
BUCKET_ORIGIN = datetime(2000, 1, 3, tzinfo=UTC)  # where the store counts buckets from
Values = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """The time axis of a chart: UTC, in buckets of `step` as the store aligns them."""

    start: datetime
    end: datetime
    step: timedelta

    @property
    def times(self) -> npt.NDArray[np.int64]:
        """Epoch milliseconds of every bucket's start."""
        first = self.start - (self.start - BUCKET_ORIGIN) % self.step
        return np.arange(_millis(first), _millis(self.end), self.step // timedelta(milliseconds=1), dtype=np.int64)

    @property
    def regular(self) -> PlotlyTrace:
        """The same for a trace, in two numbers: it is shorter to send than all of them."""
        return {"x0": int(self.times[0]), "dx": self.step // timedelta(milliseconds=1)}

    @property
    def complete(self) -> int:
        """The number of buckets that lie wholly before the end."""
        return len(self.times) - bool((self.end - BUCKET_ORIGIN) % self.step)

    def grids(self, rows: pl.DataFrame, keys: Sequence[object], key: str, **missing: float) -> list[Values]:
        """For each column named in `missing` a grid: a line for each of `keys`, a column for each bucket.

        Rows have bucket (timestamp), `key` and the columns; where none falls, a cell is what `missing` says.
        """
        times = self.times
        line = rows[key].replace_strict(list(keys), range(len(keys)), return_dtype=pl.Int64).to_numpy().astype(np.intp)
        place = np.searchsorted(times, rows["bucket"].dt.epoch("ms").to_numpy())
        inside = place < len(times)
        grids = []
        for column, empty in missing.items():
            grid = np.full((len(keys), len(times)), empty, dtype=np.float32)
            grid[line[inside], place[inside]] = rows[column].cast(pl.Float32).fill_null(empty).to_numpy()[inside]
            grids.append(grid)
        return grids


def lines(
    rows: pl.DataFrame,
    span: TimeSpan,
    palette: Palette,
    *,
    by: str,
    unit: str = "count",
    highlight: object = ...,
    changed: bool = False,
    target: float | None = None,
    events: Sequence[EventMark] = (),
    height: int = 220,
) -> ChartFigure:
    """A line for each value of `by` (bucket, by, value, n); with `highlight` one is in colour and the rest grey."""
    names = sorted(rows[by].unique(maintain_order=True), key=lambda name: name == highlight)  # drawn last, so on top
    if highlight is ...:
        colours = {name: palette.lane(name) for name in names}
    else:
        colours = dict.fromkeys(names, palette.rest) | {highlight: palette.changed if changed else palette.accent}
    data = _line_traces(rows, span, by, names, colours, unit)
    banded = names if highlight is ... and len(names) <= MAX_BANDS else [highlight]
    bands = _bands(rows, span, by, [name for name in banded if name in names], colours, unit)
    level = None if target is None else target * unit_scale(unit)
    return _line_figure(names, data, bands, span, palette, unit, events, height, level)


def stacked_areas(
    rows: pl.DataFrame,
    span: TimeSpan,
    palette: Palette,
    *,
    by: str,
    unit: str = "usd",
    events: Sequence[EventMark] = (),
    height: int = 220,
) -> ChartFigure:
    """Sums (bucket, by, value) as areas on each other, in complete buckets: a running one would look like a fall.

    A missing bucket is a zero, for a sum it is one; what is known in no bucket is left out.
    """
    rows = rows.drop_nulls("value")
    names = sorted(rows[by].unique(maintain_order=True), key=palette.rank)  # the same from the bottom up everywhere
    sums, *counts = span.grids(rows, names, by, value=0, **({"n": 0} if "n" in rows.columns else {}))
    data = [
        _area(name, span, values * unit_scale(unit), unit, palette.lane(name))
        for name, values in zip(names, sums, strict=True)
    ]
    for found in counts:
        data = [_with_counts(area, count[: span.complete]) for area, count in zip(data, found, strict=True)]
    return _time_figure(data, span, palette, unit, events, height)


def quantiles(
    upper: pl.DataFrame,
    lower: pl.DataFrame,
    span: TimeSpan,
    palette: Palette,
    *,
    by: str = "lane",
    names: tuple[str, str] = ("P95", "P50"),
    events: Sequence[EventMark] = (),
    height: int = 220,
) -> ChartFigure:
    """Two quantiles of a latency in ms for each value of `by`: the upper a line, the lower dotted in its colour."""
    data: list[PlotlyTrace] = []
    labelled: list[object] = []
    for rows, quantile, dash in ((upper, names[0], "solid"), (lower, names[1], "dot")):
        found = sorted(rows[by].unique(maintain_order=True), key=palette.rank)
        colours = {name: palette.lane(name) for name in found}
        data += [
            {**line, "name": f"{line['name']} {quantile}", "line": {**line["line"], "dash": dash}}
            for line in _line_traces(rows, span, by, found, colours, "ms")
        ]
        labelled += found if dash == "solid" else []
    return _line_figure(labelled, data, [], span, palette, "ms", events, height)


def _line_figure(
    names: Sequence[object],
    data: Sequence[PlotlyTrace],
    bands: Sequence[PlotlyTrace],
    span: TimeSpan,
    palette: Palette,
    unit: str,
    events: Sequence[EventMark],
    height: int,
    level: float | None = None,
) -> ChartFigure:
    """Lines whose names stand at their ends, the first traces being those of `names`; one alone needs none."""
    shapes = [] if level is None else [_level(level, palette)]
    figure = _time_figure([*data, *bands], span, palette, unit, events, height, shapes)
    margin = figure.layout["margin"]
    reaches = [*(float(np.nanmax(band["y"], initial=0)) for band in bands), *([] if level is None else [level])]
    room = height - margin["t"] - margin["b"]
    head = TEXT_LINE_PX + 4 if place_event_labels(events, span) else 0
    axis = value_range([line["y"] for line in data], reaches, room, head)
    if axis is None:
        return figure
    figure = figure.having(yaxis={**figure.layout["yaxis"], "range": [axis.low, axis.high]})
    if len(names) < 2:
        return figure
    ends = [(name, line["y"], line["line"]["color"]) for name, line in zip(names, data, strict=False)]
    labels = end_labels([(name, y, palette.quiet if c == palette.rest else c) for name, y, c in ends], axis)
    return figure.having(
        annotations=[*figure.layout["annotations"], *labels], margin={**margin, "r": label_margin(names)}
    )


def _bands(
    rows: pl.DataFrame, span: TimeSpan, by: str, names: Sequence[object], colours: Mapping[object, str], unit: str
) -> list[PlotlyTrace]:
    """The interval of each of these lines, where rows have one."""
    if not {"low", "high"} <= {*rows.columns} or not names:
        return []
    own = cell_rows(rows.filter(pl.col(by).is_in([*names], nulls_equal=True)), span.step)
    low, high = span.grids(own, names, by, low=np.nan, high=np.nan)
    return [
        interval_band(span.times, lower * unit_scale(unit), upper * unit_scale(unit), colour_with_alpha(colour, 0.14))
        for lower, upper, colour in zip(low, high, (colours[name] for name in names), strict=True)
    ]


def _time_figure(
    data: Sequence[PlotlyTrace],
    span: TimeSpan,
    palette: Palette,
    unit: str,
    events: Sequence[EventMark],
    height: int,
    shapes: Sequence[PlotlyTrace] = (),
) -> ChartFigure:
    """Traces over the whole window with its events; one hover box for a moment, the largest value first.

    The hover mode is the figure's own: Streamlit sets that of every figure in which a box can be drawn.
    """
    marks, words = event_markers(events, span, palette)
    return build_figure(
        data,
        palette,
        height=height,
        xaxis=time_axis(span),
        yaxis=value_axis(unit),
        shapes=[*marks, *shapes],
        annotations=words,
        selectdirection="h",
        hovermode="x unified",
        hoversort="value descending",
    )


def time_axis(span: TimeSpan) -> PlotlyTrace:
    """The whole window, whether or not something happened in all of it."""
    length = span.end - span.start
    form = "%H:%M" if length <= timedelta(hours=25) else "%a %H:%M" if length <= timedelta(hours=73) else "%b %-d"
    return {
        "type": "date",
        "range": [_millis(span.start), _millis(span.end)],
        "tickformat": form,
        "hoverformat": "%b %-d %H:%M UTC",
    }


def event_markers(
    events: Sequence[EventMark], span: TimeSpan, palette: Palette, foot: float = 1
) -> tuple[list[PlotlyTrace], list[PlotlyTrace]]:
    """A dashed line for each event, and labels at the head of the chart (1) or at its `foot` (0), none on another."""
    shapes = [
        {
            "type": "line",
            "xref": "x",
            "yref": "paper",
            "x0": _millis(each.at),
            "x1": _millis(each.at),
            "y0": 0,
            "y1": 1,
            "line": {"color": palette.accent, "width": 1, "dash": "dash"},
        }
        for each in events
    ]
    words = [
        {
            "x": _millis(each.at),
            "y": foot,
            "xref": "x",
            "yref": "paper",
            "xanchor": "right" if _is_near_right_edge(each, span) else "left",
            "yanchor": "top" if foot else "bottom",
            "yshift": (-TEXT_LINE_PX if foot else TEXT_LINE_PX)
            if _is_near_right_edge(each, span)
            else 0,  # clear of what is written from the left
            "showarrow": False,
            "text": plotly_text(each.label),
            "font": {"color": palette.accent, "size": 11},
        }
        for each in place_event_labels(events, span)
    ]
    return shapes, words


def _is_near_right_edge(event: EventMark, span: TimeSpan) -> bool:
    """Whether a label to the right of the event would leave the chart."""
    return event.at > span.end - (span.end - span.start) / 4


def place_event_labels(events: Sequence[EventMark], span: TimeSpan) -> list[EventMark]:
    """Those of `events`, in order of time, whose label has room; each says how many more it stands for."""
    near: list[list[EventMark]] = []
    for each in events:
        if near and each.at - near[-1][0].at < (span.end - span.start) / 4:
            near[-1].append(each)
        else:
            near.append([each])
    return [replace(first, label=f"{first.label} +{len(more)}") if more else first for first, *more in near]


def _line_traces(
    rows: pl.DataFrame, span: TimeSpan, by: str, names: Sequence[object], colours: Mapping[object, str], unit: str
) -> list[PlotlyTrace]:
    """A line for each name, with its row counts for the hover box."""
    values, counts, cells = span.grids(cell_rows(rows, span.step), names, by, value=np.nan, n=0, cells=1)
    if span.complete < counts.shape[1]:  # what still runs looks like a fall
        values[counts[:, -1] < MIN_POINT_ROWS, -1] = np.nan
    data: list[PlotlyTrace] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": plotly_text(name),
            **span.regular,
            "y": known * unit_scale(unit),
            "line": {"color": colours[name], "width": 1.6},
            "hovertemplate": hover_format(unit),
            "showlegend": False,
        }
        for name, known in zip(names, values, strict=True)
    ]
    counted = (_with_counts(line, count) for line, count in zip(data, counts, strict=True))
    return [with_lengths(line, wide, span.step) for line, wide in zip(counted, cells, strict=True)]


def _with_counts(trace: PlotlyTrace, counts: Values) -> PlotlyTrace:
    """The trace with the rows of each of its points in the hover box."""
    return {**trace, "customdata": counts, "hovertemplate": trace["hovertemplate"] + "  n %{customdata:,.0f}"}


def _area(name: object, span: TimeSpan, values: Values, unit: str, colour: str) -> PlotlyTrace:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": plotly_text(name),
        **span.regular,
        "y": values[: span.complete],
        "stackgroup": "one",
        "line": {"color": colour, "width": 1},
        "fillcolor": colour_with_alpha(colour, 0.55),
        "hovertemplate": hover_format(unit),
    }


def colour_with_alpha(colour: str, alpha: float) -> str:
    """`#RRGGBB` as CSS rgba with `alpha`."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def _level(y: float, palette: Palette) -> PlotlyTrace:
    """The dotted line of a target."""
    line = {"color": palette.quiet, "width": 1, "dash": "dot"}
    return {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": line}


def _millis(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp() * 1000)


Window = tuple[datetime, datetime]


def marked_windows(
    rows: pl.DataFrame,
    span: TimeSpan,
    palette: Palette,
    *,
    unit: str,
    name: str,
    selection: Window | None,
    baseline: Window,
    events: Sequence[EventMark] = (),
    height: int = 220,
) -> ChartFigure:
    """Rows (bucket, value, n) as a line of that name; a box drawn in the figure reaches from its foot to its head."""
    named = rows.with_columns(course=pl.lit(name))
    figure = lines(named, span, palette, by="course", unit=unit, highlight=name, events=events, height=height)
    windows = ((baseline, palette.rest), *([(selection, palette.changed)] if selection else []))
    marks = [_window_shape(window, colour, span) for window, colour in windows]
    return figure.having(shapes=[*figure.layout["shapes"], *filter(None, marks)])


def shade_windows(figure: ChartFigure, windows: Sequence[Window], span: TimeSpan, palette: Palette) -> ChartFigure:
    """The figure with stretches of time shaded, such as those in which an alert fired."""
    marks = (_window_shape(window, palette.changed, span) for window in windows)
    return figure.having(shapes=[*figure.layout["shapes"], *filter(None, marks)])


def _window_shape(window: Window, colour: str, span: TimeSpan) -> PlotlyTrace | None:
    """A window as a shade over the height of the chart; None where all of it lies outside."""
    start, end = max(window[0], span.start), min(window[1], span.end)
    if start >= end:
        return None
    edges = {"x0": _millis(start), "x1": _millis(end), "y0": 0, "y1": 1}
    look = {"fillcolor": colour_with_alpha(colour, 0.16), "line": {"width": 0}, "layer": "below"}
    return {"type": "rect", "xref": "x", "yref": "paper", **edges, **look}
