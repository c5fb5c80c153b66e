"""Beside a line: its name at its end, where no other name is, and the band of its interval."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from controlsurface.charts.figure import PlotlyTrace, plotly_text

Values = npt.NDArray[np.float32]
LABEL_HEIGHT_PX, LABEL_CHAR_PX, LABEL_GAP_PX = 13, 6.3, 6
MAX_LABEL_CHARS = 15  # characters of a name at the end of its line; the hover box has all of them
MAX_BANDS = 4  # bands on one chart: more would hide each other
HEADROOM = 1.08  # how far the axis reaches above the largest value
MAX_BAND_REACH = 1.5  # how far it reaches for the sake of a band


@dataclass(frozen=True, slots=True)
class ValueRange:
    """What an axis shows, in its unit, over so many pixels."""

    low: float
    high: float
    height_px: float

    def pixels_from_top(self, value: float) -> float:
        """Where a value is."""
        return (self.high - value) / (self.high - self.low) * self.height_px

    def value_at(self, pixels: float) -> float:
        """What is there."""
        return self.high - pixels / self.height_px * (self.high - self.low)


def value_range(
    lines: Iterable[Values], reaches: Iterable[float], height_px: float, head_px: float = 0
) -> ValueRange | None:
    """From zero (or the lowest value below) to a little above the highest; `reaches` may stretch it by half.

    Above all lines are `head_px` pixels for words. None where nothing is known.
    """
    known = [float(end) for values in lines if not np.isnan(values).all() for end in _ends(values)]
    if not known:
        return None
    highest, lowest = max(known), min(0.0, *known)
    wanted = min(max(reaches, default=highest), highest * MAX_BAND_REACH)
    low, top = lowest * HEADROOM, max(highest, wanted) * HEADROOM
    top = low + (top - low) * height_px / (height_px - head_px)
    return ValueRange(low, top if top > low else low + 1, height_px)


def _ends(values: Values) -> tuple[float, float]:
    return float(np.nanmin(values)), float(np.nanmax(values))


def end_labels(lines: Sequence[tuple[object, Values, str]], axis: ValueRange) -> list[PlotlyTrace]:
    """An annotation for each (name, values, colour), right of the chart at the last known value, none on another.

    Where there is no room for all, those that come first are left out.
    """
    room = max(1, int(axis.height_px // LABEL_HEIGHT_PX))
    known = [(name, float(values[~np.isnan(values)][-1]), colour) for name, values, colour in lines if _known(values)]
    ranked = sorted(known[-room:], key=lambda each: -each[1])
    places = spread([axis.pixels_from_top(value) for _, value, _ in ranked], axis.height_px)
    return [
        {
            "x": 1,
            "xref": "paper",
            "xanchor": "left",
            "xshift": LABEL_GAP_PX,
            "y": axis.value_at(place),
            "yanchor": "middle",
            "text": plotly_text(_short(name)),
            "showarrow": False,
            "font": {"color": colour, "size": 11},
        }
        for (name, _, colour), place in zip(ranked, places, strict=True)
    ]


def label_margin(names: Iterable[object]) -> int:
    """The pixels that names need right of a chart."""
    longest = max((len(_short(name)) for name in names), default=0)
    return round(longest * LABEL_CHAR_PX) + LABEL_GAP_PX + 6


def spread(places: Sequence[float], height_px: float) -> list[float]:
    """Rising places moved apart by the height of a line each, as little as needed, within the chart."""
    found: list[float] = []
    for place in places:
        found.append(max(place, found[-1] + LABEL_HEIGHT_PX if found else 0))
    lowest = height_px
    for at in range(len(found) - 1, -1, -1):
        found[at] = min(found[at], lowest)
        lowest = found[at] - LABEL_HEIGHT_PX
    return found


def interval_band(times: npt.NDArray[np.int64], low: Values, high: Values, fill: str) -> PlotlyTrace:
    """The area between two lines; it ends where either is unknown."""
    known = ~np.isnan(low) & ~np.isnan(high)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], known.astype(np.int8), [0]))))
    x: list[float] = []
    y: list[float] = []
    for first, after in edges.reshape(-1, 2):
        there = times[first:after].astype(float).tolist()
        x += [*there, *reversed(there), float("nan")]
        y += [*high[first:after].tolist(), *reversed(low[first:after].tolist()), float("nan")]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.array(x),
        "y": np.array(y, dtype=np.float32),
        "fill": "toself",
        "fillcolor": fill,
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _known(values: Values) -> bool:
    return bool((~np.isnan(values)).any())


def _short(name: object) -> str:
    text = "unknown" if name is None else str(name)
    return text if len(text) <= MAX_LABEL_CHARS else f"{text[: MAX_LABEL_CHARS - 1]}…"
