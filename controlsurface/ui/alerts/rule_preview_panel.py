"""A rule over the past: its metric with the firings shaded, how often it fires, and how soon it finds a change."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import polars as pl
import streamlit as st

from controlsurface import charts
from controlsurface.alerting.rule_preview import PreviewArgs, RulePreviewQuery
from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.errors import ControlSurfaceError
from controlsurface.formatting import format_period
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.ui.alerts.rule_form import condition_of, threshold_of
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import escape_markdown, palette
from controlsurface.ui.widgets.panels import chart

PREVIEW_LENGTH = timedelta(days=28)
PREVIEW_CHART_STEP = timedelta(hours=8)
MAX_PREVIEW_SERIES = 8  # lines of the chart; the others are judged and not drawn
CHANGES = {"× 1.5": 1.5, "× 2": 2.0, "× 3": 3.0, "× 5": 5.0}  # of the odds of a share, of any other value itself

Row = Mapping[str, Any]


def rule_preview(rule: Row) -> None:
    """What the rule would have done in the last four weeks, by the evaluation that rules live by."""
    change = st.segmented_control("Change to find", list(CHANGES), default="× 2", key="rule change") or "× 2"
    args = PreviewArgs(
        definition=orjson.dumps({**rule, "alert": rule["alert"] or "Preview"}).decode(),
        start="-28d",
        end="now",
        factor=CHANGES[change],
    )
    try:
        with st.spinner("Replaying four weeks"):
            found = collector_queries.collector_client().run(RulePreviewQuery(args))
    except ControlSurfaceError as problem:
        st.warning(f"No preview: {escape_markdown(problem)}")
        return
    rows = found.rows.to_pylist()
    st.markdown("  \n".join(escape_markdown(line) for line in preview_lines(rows, found.facts, change)))
    if "metric" in rule:
        _course(rule, rows)


def preview_lines(rows: Sequence[Row], facts: Row, change: str) -> list[str]:
    """How often it fired, how often by chance, how soon a change is found, and what each rests on."""
    slices = len({row["labels"] for row in rows})
    lines = [f"Would have fired {len(rows):,} times in 28 days{f', in {slices:,} slices' if slices > 1 else ''}."]
    if facts["alerts_low"] is not None:
        low, high = facts["alerts_low"], facts["alerts_high"]
        interval = f"{low:.1f} to {high:.1f}, n = {facts['windows']:,} windows"
        lines.append(
            f"Expected false alerts a month, if none of these was real: {facts['alerts_a_month']:.1f} ({interval})."
        )
    elif facts["alerts_a_month"] is not None:
        lines.append(f"Expected false alerts a month: {facts['alerts_a_month']:.1f}, {facts['note']}.")
    else:
        lines.append(f"Expected false alerts: cannot be known, {facts['note']}.")
    if facts["onsets"]:
        lines.append(_detection_line(facts, change))
    return lines


def _detection_line(facts: Row, change: str) -> str:
    """The median time, or that there is none."""
    among = f"found in {facts['found']:,} of {facts['onsets']:,}"
    hours = facts["detect_hours"]
    if hours is not None:
        return f"Time to detect ({change}): median {format_period(timedelta(minutes=round(hours * 60)))}, {among}."
    within = f" within {format_period(timedelta(hours=facts['horizon_hours']))}" if facts["horizon_hours"] else ""
    return f"Time to detect ({change}): {facts['note'] or 'mostly not found'}, {among}{within}."


def _course(rule: Row, firings: Sequence[Row]) -> None:
    """The metric by the rule's first dimension beside the threshold; firings are shaded."""
    by = tuple(rule.get("by") or ())[:1]
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    where = tuple(f"{name}:{value or ''}" for name, values in (rule.get("where") or {}).items() for value in values)
    span = charts.TimeSpan(end - PREVIEW_LENGTH, end, PREVIEW_CHART_STEP)
    args = MetricArgs(metric=rule["metric"], by=by, where=where, start=span.start, end=end, every=span.step)
    try:
        found = as_polars(collector_queries.collector_client().run(MetricQuery(args)).rows)
    except ControlSurfaceError as problem:
        st.caption(escape_markdown(problem))
        return
    if found.is_empty():
        return
    named = found.rename({by[0]: "slice"}) if by else found.with_columns(slice=pl.lit("all"))
    most = named.group_by("slice").agg(pl.col("n").sum()).sort("n", descending=True)["slice"].head(MAX_PREVIEW_SERIES)
    fired = [orjson.loads(row["labels"]).get(by[0]) if by else "all" for row in firings]
    lit = next((each for each in fired if each in most), most[0])
    side = condition_of(rule)
    target = None if side == "drift" else threshold_of(rule, side)
    drawn = named.filter(pl.col("slice").is_in(most.implode(), nulls_equal=True))
    figure = charts.lines(
        drawn, span, palette(), by="slice", unit=CATALOG[rule["metric"]].unit, highlight=lit, target=target, height=240
    )
    windows = [(row["since"], row["until"] or end) for row in firings]
    figure = charts.shade_windows(figure, windows, span, palette())
    chart(figure, alt="The rule's metric over four weeks beside the threshold; firings are shaded")
    left_out = named["slice"].n_unique() - most.len()
    st.caption(
        (f"Shaded: the rule would have fired. In colour: {escape_markdown(lit or 'unknown')}." if firings else "")
        + (f" The {most.len():,} largest slices; {left_out:,} more are judged and not drawn." if left_out > 0 else "")
    )
