"""Two populations side by side: router versions, or a window and an earlier one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl
import streamlit as st

from controlsurface.formatting import UNKNOWN, format_count, format_interval, format_value
from controlsurface.metrics.metric import Metric
from controlsurface.ui.data import collector_queries, comparison
from controlsurface.ui.data.comparison import MetricValue
from controlsurface.ui.elements.csv_download import csv_button
from controlsurface.ui.elements.html_tags import html_table, html_tag, html_text
from controlsurface.ui.elements.states import is_too_few
from controlsurface.ui.view.time_range import MIN_SHARE_ROWS, DashboardView

BY_ROUTER_VERSION, WITH_WEEK_BEFORE, WITH_TIME_BEFORE = "router versions", "a week before", "the time before"
Population = tuple[str, DashboardView]


@dataclass(frozen=True, slots=True)
class MetricPair:
    """One metric of both sides."""

    metric: Metric
    one: MetricValue
    other: MetricValue


def choose_populations(view: DashboardView) -> tuple[Population, Population] | None:
    """Draw the choice of what to compare; the two sides with their names, or None where there are not two."""
    plain = replace(view, where=tuple(each for each in view.where if not each.startswith("router_version:")))
    names = _versions(plain)
    usual = BY_ROUTER_VERSION if len(names) > 1 else WITH_WEEK_BEFORE
    way = st.segmented_control(
        "Compare",
        [BY_ROUTER_VERSION, WITH_WEEK_BEFORE, WITH_TIME_BEFORE],
        default=usual,
        required=True,
        key="way",
        bind="query-params",
    )
    if way == WITH_WEEK_BEFORE:
        return (WITH_WEEK_BEFORE, view.week_before), ("this window", view)
    if way == WITH_TIME_BEFORE:
        return (WITH_TIME_BEFORE, replace(view, start=view.start - (view.end - view.start), end=view.start)), (
            "this window",
            view,
        )
    return _choose_versions(names, plain) if len(names) > 1 else None


def _versions(view: DashboardView) -> list[str]:
    """Router versions, in the order in which they came up."""
    rows = collector_queries.query_metric("requests", by=["router_version"], every=view.step, within=view).drop_nulls(
        "router_version"
    )
    return (
        rows.group_by("router_version")
        .agg(pl.col("bucket").min())
        .sort("bucket", "router_version")["router_version"]
        .to_list()
    )


def _choose_versions(names: list[str], view: DashboardView) -> tuple[Population, Population]:
    """The two versions that came last, unless others are chosen."""
    left, right = st.columns(2)
    one = left.selectbox("Version", names, index=len(names) - 2, key="one", bind="query-params")
    other = right.selectbox("against", names, index=len(names) - 1, key="other", bind="query-params")
    first, second = one or names[-2], other or names[-1]
    return (first, view.only("router_version", first)), (second, view.only("router_version", second))


def population_table(metrics: Sequence[str], one: Population, other: Population, name: str) -> None:
    """Metrics of both sides with what they rest on, and what moved by more than chance; under it the CSV."""
    first, second = (collector_queries.query_metrics(metrics, within=within) for _, within in (one, other))
    known = collector_queries.fetch_catalog()
    found = [
        MetricPair(known[each], comparison.metric_value(first[each]), comparison.metric_value(second[each]))
        for each in metrics
    ]
    st.html(html_table(("metric", one[0], other[0], "change"), map(_line, found), name))
    csv_button(pl.DataFrame([_row(each) for each in found]), name)


def _line(pair: MetricPair) -> str:
    """One metric as a row of the table."""
    metric, one, other = pair.metric, pair.one, pair.other
    enough = metric.kind == "sum" or not (is_too_few(one.n) or is_too_few(other.n))
    change = (enough and comparison.change_text(metric, other, one)) or UNKNOWN
    verdict = (
        comparison.change_verdict(metric, other, one) if enough and metric.kind != "sum" else ""
    )  # more traffic is no fault
    return html_tag(
        "tr",
        html_tag("td", html_text(metric.title), title=metric.help),
        *(html_tag("td", _cell(figure, metric)) for figure in (one, other)),
        html_tag("td", html_tag("b", html_text(change), class_=verdict or "same")),
    )


def _cell(figure: MetricValue, metric: Metric) -> str:
    """The value, its n, and its interval where it has one."""
    unit = metric.unit
    if metric.kind == "ratio" and is_too_few(figure.n):
        return f"too few {html_tag('small', html_text(f'{figure.n} of {MIN_SHARE_ROWS} needed'))}"
    sure = f" · {format_interval(figure.low, figure.high, unit)}" if figure.half is not None else ""
    small = html_tag("small", html_text(f"n {format_count(figure.n)}{sure}"))
    return f"{html_text(format_value(figure.value, unit))} {small}"


def _row(pair: MetricPair) -> dict[str, object]:
    """The same for the CSV."""
    said: dict[str, object] = {"metric": pair.metric.id, "unit": pair.metric.unit}
    for name, figure in (("one", pair.one), ("other", pair.other)):
        said |= {name: figure.value, f"{name}_n": figure.n, f"{name}_low": figure.low, f"{name}_high": figure.high}
    return said
