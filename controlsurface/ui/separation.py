"""What latency histograms tell about lanes: how far apart they are, and which hide a second mode.

A fast lane that is not faster saves no time; one with two modes takes another way for some, and its P50 shows neither.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.alerting.lanes import Histogram, separation
from controlsurface.alerting.modes import modes
from controlsurface.formatting import UNKNOWN, format_value
from controlsurface.metrics.histogram import DistributionArgs
from controlsurface.ui import reading
from controlsurface.ui.markup import tag, text
from controlsurface.ui.sheet import sheet

FEWEST = 200  # requests of each lane
KEYS = ("task_type", "lane")


def histogram(bins: pl.DataFrame) -> Histogram:
    """Bins (lower, upper, n) of one slice."""
    rising = bins.sort("lower")
    return Histogram(*(rising[name].cast(pl.Float64).to_numpy() for name in ("lower", "upper", "n")))


def lanes_apart(bins: pl.DataFrame) -> None:
    """Say what separates the busiest lane that is no escalation from the busiest one that is."""
    st.html(_apart(bins))


def _apart(bins: pl.DataFrame) -> str:
    rows = reading.query("escalation_rate", by=["lane"]).filter(pl.col("lane") != "cache").sort("n", descending=True)
    fast, slow = (rows.filter(pl.col("value") == share)["lane"].to_list()[:1] for share in (0, 1))
    if not fast or not slow:
        return tag("p", "There is no small and large lane here to compare.")
    counts = [int(rows.filter(pl.col("lane") == lane)["n"].item()) for lane in (*fast, *slow)]
    if min(counts) < FEWEST:
        return tag("p", text(f"too few: {_counted(fast + slow, counts)}; {FEWEST} of each are needed."))
    one, other = (histogram(bins.filter(pl.col("lane") == lane)) for lane in (fast[0], slow[0]))
    return _facts(one, other, fast[0], slow[0], _counted(fast + slow, counts))


def _facts(one: Histogram, other: Histogram, fast: str, slow: str, counted: str) -> str:
    apart = separation(one, other)
    medians = " against ".join(format_value(each.quantile(0.5), "ms") for each in (one, other))
    facts = (
        (
            f"{fast} is faster than {slow}",
            format_value(apart.faster, "ratio"),
            "of two requests, one of each, by chance",
        ),
        ("median ratio", f"{apart.times:.3g}×" if one.quantile(0.5) else UNKNOWN, medians),
        (f"{fast} slower than {slow}'s median", format_value(apart.beyond, "ratio"), counted),
    )
    shown = (tag("div", tag("dt", text(a)), tag("dd", text(b), tag("small", text(c)))) for a, b, c in facts)
    return tag("dl", *shown, class_="cs-facts")


def _counted(lanes: Sequence[str], counts: Sequence[int]) -> str:
    return " and ".join(f"{n:,} {lane}" for lane, n in zip(lanes, counts, strict=True))


def hidden_modes() -> None:
    """Which lanes have two modes in a task type; to fit them takes a second, so it is kept for minutes."""
    view = reading.view().widened(reading.MINUTES)
    args = DistributionArgs(column="latency_ms", by=KEYS, **view.asked)
    bins = reading.distribution("latency_ms", by=KEYS, within=view)
    found, looked_at = reading.computed(f"modes {args.model_dump_json()}", lambda: two_modes(bins))
    if found.is_empty():
        st.caption(f"None in the {looked_at:,} pairs of task type and lane that have {FEWEST:,} requests.")
        return
    sheet(found, UNITS, "hidden-modes", labels=LABELS)
    st.caption(f"{looked_at:,} pairs have {FEWEST:,} requests. A batch waits its turn and makes a mode of its own.")


def two_modes(bins: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Slices (task_type, lane) with two modes, the most divided first, and how many have enough requests to tell."""
    rows: list[dict[str, Any]] = []
    looked_at = 0
    for key, slice_ in bins.partition_by(KEYS, as_dict=True).items():
        n = float(slice_["n"].sum())
        found = modes(histogram(slice_)) if n >= FEWEST else None
        looked_at += n >= FEWEST
        if found and found.two:
            figures = {"low": found.low, "high": found.high, "share": found.weight, "n": round(n)}
            rows.append(dict(zip(KEYS, key, strict=True)) | figures)
    schema = dict.fromkeys(KEYS, pl.String) | dict.fromkeys(("low", "high", "share"), pl.Float64) | {"n": pl.Int64}
    return pl.DataFrame(rows, schema).sort("share", descending=True), looked_at


UNITS = {"low": "ms", "high": "ms", "share": "ratio", "n": "count"}
LABELS = {"low": "Lower mode", "high": "Upper mode", "share": "In the smaller one", "n": "Requests"}
