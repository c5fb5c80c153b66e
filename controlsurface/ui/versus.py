"""Two populations side by side: router versions, or a window and an earlier one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl
import streamlit as st

from controlsurface.formatting import UNKNOWN, format_count, format_interval, format_value
from controlsurface.metrics.metric import Metric
from controlsurface.ui import compared, reading
from controlsurface.ui.compared import Figure
from controlsurface.ui.download import csv
from controlsurface.ui.markup import table, tag, text
from controlsurface.ui.states import few
from controlsurface.ui.window import ENOUGH, View

VERSIONS, WEEK, BEFORE = "router versions", "a week before", "the time before"
Side = tuple[str, View]


@dataclass(frozen=True, slots=True)
class Pair:
    """One metric of both sides."""

    metric: Metric
    one: Figure
    other: Figure


def rivals(view: View) -> tuple[Side, Side] | None:
    """Draw the choice of what to compare; the two sides with their names, or None where there are not two."""
    plain = replace(view, where=tuple(each for each in view.where if not each.startswith("router_version:")))
    names = _versions(plain)
    usual = VERSIONS if len(names) > 1 else WEEK
    way = st.segmented_control(
        "Compare", [VERSIONS, WEEK, BEFORE], default=usual, required=True, key="way", bind="query-params"
    )
    if way == WEEK:
        return (WEEK, view.week_before), ("this window", view)
    if way == BEFORE:
        return (BEFORE, replace(view, start=view.start - (view.end - view.start), end=view.start)), (
            "this window",
            view,
        )
    return _chosen(names, plain) if len(names) > 1 else None


def _versions(view: View) -> list[str]:
    """Router versions, in the order in which they came up."""
    rows = reading.query("requests", by=["router_version"], every=view.step, within=view).drop_nulls("router_version")
    return (
        rows.group_by("router_version")
        .agg(pl.col("bucket").min())
        .sort("bucket", "router_version")["router_version"]
        .to_list()
    )


def _chosen(names: list[str], view: View) -> tuple[Side, Side]:
    """The two versions that came last, unless others are chosen."""
    left, right = st.columns(2)
    one = left.selectbox("Version", names, index=len(names) - 2, key="one", bind="query-params")
    other = right.selectbox("against", names, index=len(names) - 1, key="other", bind="query-params")
    first, second = one or names[-2], other or names[-1]
    return (first, view.only("router_version", first)), (second, view.only("router_version", second))


def versus(metrics: Sequence[str], one: Side, other: Side, name: str) -> None:
    """Metrics of both sides with what they rest on, and what moved by more than chance; under it the CSV."""
    first, second = (reading.queries(metrics, within=within) for _, within in (one, other))
    known = reading.catalogue()
    found = [Pair(known[each], compared.figure(first[each]), compared.figure(second[each])) for each in metrics]
    st.html(table(("metric", one[0], other[0], "change"), map(_line, found), name))
    csv(pl.DataFrame([_row(each) for each in found]), name)


def _line(pair: Pair) -> str:
    """One metric as a row of the table."""
    metric, one, other = pair.metric, pair.one, pair.other
    enough = metric.kind == "sum" or not (few(one.n) or few(other.n))
    change = (enough and compared.change(metric, other, one)) or UNKNOWN
    verdict = (
        compared.verdict(metric, other, one) if enough and metric.kind != "sum" else ""
    )  # more traffic is no fault
    return tag(
        "tr",
        tag("td", text(metric.title), title=metric.help),
        *(tag("td", _cell(figure, metric)) for figure in (one, other)),
        tag("td", tag("b", text(change), class_=verdict or "same")),
    )


def _cell(figure: Figure, metric: Metric) -> str:
    """The value, its n, and its interval where it has one."""
    unit = metric.unit
    if metric.kind == "ratio" and few(figure.n):
        return f"too few {tag('small', text(f'{figure.n} of {ENOUGH} needed'))}"
    sure = f" · {format_interval(figure.low, figure.high, unit)}" if figure.half is not None else ""
    return f"{text(format_value(figure.value, unit))} {tag('small', text(f'n {format_count(figure.n)}{sure}'))}"


def _row(pair: Pair) -> dict[str, object]:
    """The same for the CSV."""
    said: dict[str, object] = {"metric": pair.metric.id, "unit": pair.metric.unit}
    for name, figure in (("one", pair.one), ("other", pair.other)):
        said |= {name: figure.value, f"{name}_n": figure.n, f"{name}_low": figure.low, f"{name}_high": figure.high}
    return said
