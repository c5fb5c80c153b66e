"""What latency histograms tell about lanes: how far apart they are, and which hide a second mode.

A fast lane that is not faster saves no time; one with two modes takes another way for some, and its P50 shows neither.
"""

from collections.abc import Sequence
from typing import Any

import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.alerting.detectors.statistics.latency_histogram import (
    LatencyHistogram,
    compare_lanes,
    fit_latency_modes,
)
from controlsurface.formatting import UNKNOWN, format_value
from controlsurface.metrics.queries.distribution_query import DistributionArgs
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.metric_series import event_marks
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text, palette
from controlsurface.ui.reports.region_differences import region_differences
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.data_table import data_table
from controlsurface.ui.widgets.panels import box_chart, panel

HEATMAP_ROWS_FACTOR = 5  # a column may rest on as many times fewer requests as a point of a line
MIN_LANE_REQUESTS = 200  # requests of each lane
SLICE_DIMENSIONS = ("task_type", "lane")


def latency_histogram(bins: pl.DataFrame) -> LatencyHistogram:
    """Bins (lower, upper, n) of one slice."""
    rising = bins.sort("lower")
    return LatencyHistogram(*(rising[name].cast(pl.Float64).to_numpy() for name in ("lower", "upper", "n")))


def lane_separation_panel(bins: pl.DataFrame) -> None:
    """Say what separates the busiest lane that is no escalation from the busiest one that is."""
    st.html(_separation_facts(bins))


def _separation_facts(bins: pl.DataFrame) -> str:
    rows = (
        collector_queries.query_metric("escalation_rate", by=["lane"])
        .filter(pl.col("lane") != "cache")
        .sort("n", descending=True)
    )
    fast, slow = (rows.filter(pl.col("value") == share)["lane"].to_list()[:1] for share in (0, 1))
    if not fast or not slow:
        return html_tag("p", "There is no small and large lane here to compare.")
    counts = [int(rows.filter(pl.col("lane") == lane)["n"].item()) for lane in (*fast, *slow)]
    if min(counts) < MIN_LANE_REQUESTS:
        return html_tag(
            "p", html_text(f"too few: {_counted(fast + slow, counts)}; {MIN_LANE_REQUESTS} of each are needed.")
        )
    one, other = (latency_histogram(bins.filter(pl.col("lane") == lane)) for lane in (fast[0], slow[0]))
    return _facts(one, other, fast[0], slow[0], _counted(fast + slow, counts))


def _facts(one: LatencyHistogram, other: LatencyHistogram, fast: str, slow: str, counted: str) -> str:
    apart = compare_lanes(one, other)
    medians = " against ".join(format_value(each.quantile(0.5), "ms") for each in (one, other))
    facts = (
        (
            f"P({fast} faster)",
            format_value(apart.faster, "ratio"),
            f"a {fast} request against a {slow} one",
        ),
        ("median ratio", f"{apart.times:.3g}×" if one.quantile(0.5) else UNKNOWN, medians),
        (f"{fast} slower than {slow}'s median", format_value(apart.beyond, "ratio"), counted),
    )
    shown = (
        html_tag("div", html_tag("dt", html_text(a)), html_tag("dd", html_text(b), html_tag("small", html_text(c))))
        for a, b, c in facts
    )
    return html_tag("dl", *shown, class_="cs-facts")


def _counted(lanes: Sequence[str], counts: Sequence[int]) -> str:
    return " and ".join(f"{n:,} {lane}" for lane, n in zip(lanes, counts, strict=True))


@st.fragment(parallel=True)
def latency_heatmap_panel(view: DashboardView) -> None:
    """Latency over time of one lane; a box drawn in it draws only this anew."""
    with panel("Latency over time", "one lane, brighter: more requests; drag to explain a selection"):
        rows = collector_queries.query_metric("requests", by=["lane"], within=view).sort("n", descending=True)
        lanes = rows["lane"].to_list()
        chosen = lanes[0]
        if len(lanes) > 1:
            chosen = st.segmented_control(
                "Lane of the heatmap",
                lanes,
                default=lanes[0],
                required=True,
                key="heat_lane",
                bind="query-params",
                format_func=escape_markdown,
                label_visibility="collapsed",
            )
        lane = chosen if chosen in lanes else lanes[0]
        _latency_heatmap(view.only("lane", lane), str(lane), int(rows.filter(pl.col("lane") == lane)["n"].sum()))


def _latency_heatmap(view: DashboardView, lane: str, rows: int) -> None:
    """The heatmap of one lane, and under a box drawn in it what is different there."""
    view = view.coarsened_for(rows * HEATMAP_ROWS_FACTOR)
    bins = collector_queries.query_distribution("latency_ms", every=view.step, within=view)
    if bins.is_empty():
        states.unknown_value_state()
        return
    figure = charts.latency_heatmap(bins, view.span, palette(), events=event_marks())
    alt = f"Requests of the lane {lane} by latency over time"
    drawn = box_chart(figure, f"latency heatmap {lane}", alt=alt)
    if drawn:
        start, end, low, high = drawn
        region_differences(view, "latency_ms", (start, end, 10**low, 10**high))


def hidden_modes_panel() -> None:
    """Which lanes have two modes in a task type; to fit them takes a second, so it is kept for minutes."""
    view = collector_queries.current_view().widened(collector_queries.SLOW_ANSWER_TTL)
    args = DistributionArgs(column="latency_ms", by=SLICE_DIMENSIONS, **view.asked)
    bins = collector_queries.query_distribution("latency_ms", by=SLICE_DIMENSIONS, within=view)
    found, looked_at = collector_queries.computed(f"modes {args.model_dump_json()}", lambda: bimodal_slices(bins))
    if found.is_empty():
        st.caption(f"None in the {looked_at:,} pairs of task type and lane that have {MIN_LANE_REQUESTS:,} requests.")
        return
    data_table(found, MODE_UNITS, "hidden-modes", labels=MODE_LABELS)
    st.caption(
        f"{looked_at:,} pairs have {MIN_LANE_REQUESTS:,} requests. A batch waits its turn and makes a mode of its own."
    )


def bimodal_slices(bins: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Slices (task_type, lane) with two modes, the most divided first, and how many have enough requests to tell."""
    rows: list[dict[str, Any]] = []
    looked_at = 0
    for key, slice_ in bins.partition_by(SLICE_DIMENSIONS, as_dict=True).items():
        n = float(slice_["n"].sum())
        found = fit_latency_modes(latency_histogram(slice_)) if n >= MIN_LANE_REQUESTS else None
        looked_at += n >= MIN_LANE_REQUESTS
        if found and found.two:
            figures = {"low": found.low, "high": found.high, "share": found.weight, "n": round(n)}
            rows.append(dict(zip(SLICE_DIMENSIONS, key, strict=True)) | figures)
    schema = (
        dict.fromkeys(SLICE_DIMENSIONS, pl.String)
        | dict.fromkeys(("low", "high", "share"), pl.Float64)
        | {"n": pl.Int64}
    )
    return pl.DataFrame(rows, schema).sort("share", descending=True), looked_at


MODE_UNITS = {"low": "ms", "high": "ms", "share": "ratio", "n": "count"}
MODE_LABELS = {"low": "Lower mode", "high": "Upper mode", "share": "In the smaller one", "n": "Requests"}
