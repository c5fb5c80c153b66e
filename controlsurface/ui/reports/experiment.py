"""Two arms as an experiment: what each was exposed to, differences with their intervals, guardrails, task types."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.charts import Palette
from controlsurface.formatting import (
    UNKNOWN,
    format_count,
    format_difference,
    format_interval,
    format_ratio,
    format_value,
)
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.statistics import UNLIKE_MIX, mix_distance
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.comparison import MetricValue, is_too_few, metric_value
from controlsurface.ui.data.differences import (
    SPREAD_COLUMNS,
    Difference,
    difference,
    difference_at_equal_mix,
    with_spread,
)
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import escape_markdown, html_table, html_tag, html_text, palette
from controlsurface.ui.reports.side_by_side import Population
from controlsurface.ui.view import MIN_SHARE_ROWS, UNKNOWN_VALUE_LABEL, DashboardView
from controlsurface.ui.widgets.data_table import csv_button

RATES = ("escalation_rate", "confidence_below_threshold", "confidence_knife_edge", "fallback_rate")
MEANS = ("cost_per_request", "output_tokens_per_request", "steps_per_request", "latency_p50")
GUARDRAILS = ("error_rate", "latency_p95", "gate_failure_rate", "disagreement_rate")
TOTALS = ("requests", "attempts", "input_tokens", "output_tokens", "cost")
BY_TASK_TYPE = {
    "escalation_rate": "Escalation rate",
    "confidence_below_threshold": "Below threshold",
    "error_rate": "Error rate",
    "cost_per_request": "Cost per request",
}
MIN_OVERLAP = 0.1  # of the shorter arm's time, for arms that ran side by side
BAR_REACH = 1.1  # how far a bar's scale goes beyond the farthest end
ByKind = Mapping[Any, MetricValue]


@dataclass(frozen=True, slots=True)
class ArmPair:
    """One metric of both arms: as a whole, and by task type."""

    metric: Metric
    one: MetricValue
    other: MetricValue
    ones: ByKind
    others: ByKind

    @property
    def difference(self) -> Difference | None:
        """B minus A, whatever both were sent."""
        return difference(self.one, self.other)

    @property
    def at_equal_mix(self) -> Difference | None:
        """B minus A if both had been sent the same kinds; a quantile has none."""
        return None if self.metric.kind == "quantile" else difference_at_equal_mix(self.ones, self.others)

    def verdict(self, *, alike: bool) -> str:
        """`better`, `worse` or nothing: of arms with unlike traffic only where it holds at an equal mix."""
        raw, equal = self.difference, self.at_equal_mix
        found = raw.verdict(self.metric) if raw else ""
        if alike and equal is None:
            return found
        return found if equal is not None and equal.verdict(self.metric) == found else ""


def exposure_table(one: Population, other: Population) -> bool:
    """What each arm was sent and when, without a difference; whether both were sent alike task types."""
    totals = [collector_queries.query_metrics(TOTALS, within=within) for _, within in (one, other)]
    kinds = [requests_by_kind(within) for _, within in (one, other)]
    seen = [_seen(within) for _, within in (one, other)]
    unlike = mix_distance(*kinds)
    whole = sum(sum(each.values()) for each in kinds) or 1
    known = collector_queries.fetch_catalog()
    rows = [_plain_row("Share of both", [format_ratio(sum(each.values()) / whole) for each in kinds])]
    rows += [
        _plain_row(
            known[name].title, [format_value(metric_value(each[name]).value, known[name].unit) for each in totals]
        )
        for name in TOTALS
    ]
    times = [time_zone.range_text(each) if each else UNKNOWN for each in seen]
    rows.append(_plain_row(f"Seen ({time_zone.zone_label()})", times))
    st.html(html_table(("", f"A: {one[0]}", f"B: {other[0]}"), rows, "exposure"))
    for words in _exposure_notes(unlike, seen):
        st.caption(escape_markdown(words))
    return unlike <= UNLIKE_MIX


def _exposure_notes(unlike: float, seen: Sequence[tuple[datetime, datetime] | None]) -> Iterable[str]:
    """What has to be known before differences are read."""
    yield "Totals follow exposure, so no difference of totals is shown: a smaller arm costs less and saves nothing."
    if unlike > UNLIKE_MIX:
        yield (
            f"Unlike traffic: {format_ratio(unlike)} of the requests would have to be of another task type for both "
            "arms to be alike. Read the differences at an equal mix; those without one are not coloured."
        )
    one, other = seen
    if one and other and _overlap(one, other) < MIN_OVERLAP:
        yield (
            "The arms ran one after the other: what changed in traffic meanwhile is part of every difference. Arms "
            "that run at the same time tell more."
        )


def _overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> float:
    """How much of the shorter arm's time the other one ran too."""
    both = min(one[1], other[1]) - max(one[0], other[0])
    return both / min(one[1] - one[0], other[1] - other[0])


def arm_pairs(metrics: Iterable[str], one: DashboardView, other: DashboardView) -> list[ArmPair]:
    """Metrics of both arms with intervals, by task type too."""
    names = [*metrics]
    known = collector_queries.fetch_catalog()
    arms = [(_whole(names, within), _by_kind(names, within)) for within in (one, other)]
    return [
        ArmPair(known[name], arms[0][0][name], arms[1][0][name], arms[0][1][name], arms[1][1][name]) for name in names
    ]


def difference_table(pairs: Sequence[ArmPair], one: str, other: str, name: str, *, alike: bool) -> None:
    """A, B, the difference with its bar, and the difference at an equal mix; under it the CSV."""
    head = ("metric", f"A: {one}", f"B: {other}", "difference B - A", "95 % interval", "at equal mix")
    st.html(html_table(head, (_difference_row(pair, alike=alike) for pair in pairs), name))
    csv_button(pl.DataFrame([_csv_row(pair) for pair in pairs], infer_schema_length=None), name)


def guardrail_table(pairs: Sequence[ArmPair], one: str, other: str, *, alike: bool) -> None:
    """Metrics that must not get worse: how bad B may be at worst, by its interval."""
    rows = (_guardrail_row(pair, alike=alike) for pair in pairs)
    st.html(html_table(("guardrail", f"A: {one}", f"B: {other}", "95 % interval", "B against A"), rows, "guardrails"))


def task_type_table(one: Population, other: Population) -> None:
    """One metric by task type, A beside B with the difference."""
    name = st.segmented_control(
        "By task type",
        [*BY_TASK_TYPE],
        default="escalation_rate",
        required=True,
        key="difference",
        bind="query-params",
        format_func=lambda each: BY_TASK_TYPE[each],
    )
    chosen = name if name in BY_TASK_TYPE else "escalation_rate"
    (pair,) = arm_pairs([chosen], one[1], other[1])
    kinds = sorted(
        {*pair.ones, *pair.others},
        key=lambda kind: -(pair.ones.get(kind, MetricValue()).n + pair.others.get(kind, MetricValue()).n),
    )
    each = [
        (kind, ArmPair(pair.metric, pair.ones.get(kind, MetricValue()), pair.others.get(kind, MetricValue()), {}, {}))
        for kind in kinds
    ]
    reach = max((_reach(own.difference) for _, own in each), default=0.0)
    rows = [_difference_row(own, alike=True, title=str(kind or UNKNOWN_VALUE_LABEL), reach=reach) for kind, own in each]
    head = ("task type", f"A: {one[0]}", f"B: {other[0]}", "difference B - A", "95 % interval")
    st.html(html_table(head, rows, "differences by task type"))
    csv_button(
        pl.DataFrame([{"task_type": str(kind or "")} | _csv_row(own) for kind, own in each], infer_schema_length=None),
        f"task-types-{chosen}",
    )


def requests_by_kind(within: DashboardView) -> dict[object, float]:
    """Requests by task type."""
    rows = collector_queries.query_metric("requests", by=["task_type"], within=within)
    return dict(rows.select("task_type", "value").iter_rows())


def _seen(within: DashboardView) -> tuple[datetime, datetime] | None:
    """From the first to the last bucket with a request."""
    rows = collector_queries.query_metric("requests", every=within.step, within=within).filter(pl.col("n") > 0)
    if rows.is_empty():
        return None
    return max(rows["bucket"][0], within.start), min(rows["bucket"][-1] + within.step, within.end)


def _whole(names: Sequence[str], within: DashboardView) -> dict[str, MetricValue]:
    """Each metric of an arm, with an interval wherever there can be one."""
    found = {name: metric_value(rows) for name, rows in collector_queries.query_metrics(names, within=within).items()}
    for name, (column, quantile) in SPREAD_COLUMNS.items():
        if name in found:
            bins = collector_queries.query_distribution(column, within=within)
            found[name] = with_spread(found[name], bins, quantile)
    return found


def _by_kind(names: Sequence[str], within: DashboardView) -> dict[str, dict[object, MetricValue]]:
    """Each metric of an arm by task type."""
    known = collector_queries.query_metrics(names, by=["task_type"], within=within)
    found = {name: {row["task_type"]: _figure(row) for row in rows.to_dicts()} for name, rows in known.items()}
    for name, (column, quantile) in SPREAD_COLUMNS.items():
        if name in found:
            bins = collector_queries.query_distribution(column, by=["task_type"], within=within)
            parts = {key[0]: part for key, part in bins.group_by(["task_type"])}
            empty = bins.clear()
            found[name] = {k: with_spread(v, parts.get(k, empty), quantile) for k, v in found[name].items()}
    return found


def _figure(row: Mapping[str, object]) -> MetricValue:
    low, high, value, n = (row.get(name) for name in ("low", "high", "value", "n"))
    numbers = (each if isinstance(each, float) else None for each in (value, low, high))
    known, lower, upper = numbers
    return MetricValue(known, n if isinstance(n, int) else 0, lower, upper)


def _plain_row(title: str, cells: Sequence[str]) -> str:
    return html_tag("tr", html_tag("td", html_text(title)), *(html_tag("td", html_text(cell)) for cell in cells))


def _difference_row(pair: ArmPair, *, alike: bool, title: str = "", reach: float | None = None) -> str:
    """One metric; with a `title` it is a kind's row, which has no other mix."""
    metric, found, verdict = pair.metric, pair.difference, pair.verdict(alike=alike)
    cells = [
        html_tag("td", html_text(title or metric.title), title=metric.help),
        *(html_tag("td", _arm_cell(figure, metric)) for figure in (pair.one, pair.other)),
        html_tag("td", html_tag("b", html_text(_words(found, metric)), class_=verdict or "same")),
        html_tag("td", interval_bar(found, metric, verdict, palette(), reach)),
    ]
    if not title:
        cells.append(html_tag("td", _equal_cell(pair)))
    return html_tag("tr", *cells)


def _guardrail_row(pair: ArmPair, *, alike: bool) -> str:
    metric, found = pair.metric, pair.difference
    words, verdict = guardrail_words(pair, alike=alike)
    return html_tag(
        "tr",
        html_tag("td", html_text(metric.title), title=metric.help),
        *(html_tag("td", _arm_cell(figure, metric)) for figure in (pair.one, pair.other)),
        html_tag("td", interval_bar(found, metric, verdict, palette())),
        html_tag("td", html_tag("b", html_text(words), class_=verdict or "same")),
    )


def guardrail_words(pair: ArmPair, *, alike: bool) -> tuple[str, str]:
    """What is known of a metric that must not get worse, and the verdict."""
    found = pair.difference
    if found is None:
        return f"too few ({min(pair.one.n, pair.other.n):,} of {MIN_SHARE_ROWS})", ""
    verdict = pair.verdict(alike=alike)
    worst = found.worst(pair.metric)
    end = f"at worst {format_difference(worst, pair.metric.unit)}"
    return {"worse": f"worse, {end}", "better": f"better, {end}"}.get(verdict, f"no proof of harm, {end}"), verdict


def _arm_cell(figure: MetricValue, metric: Metric) -> str:
    """The value, its n, and its interval where it has one."""
    if is_too_few(metric, figure.n):
        return f"too few {html_tag('small', html_text(f'{figure.n} of {MIN_SHARE_ROWS} needed'))}"
    sure = f" · {format_interval(figure.low, figure.high, metric.unit)}" if figure.half is not None else ""
    small = html_tag("small", html_text(f"n {format_count(figure.n)}{sure}"))
    return f"{html_text(format_value(figure.value, metric.unit))} {small}"


def _words(found: Difference | None, metric: Metric) -> str:
    return format_difference(found.value, metric.unit) if found else UNKNOWN


def _equal_cell(pair: ArmPair) -> str:
    """The difference at an equal mix, and its interval."""
    found, unit = pair.at_equal_mix, pair.metric.unit
    if found is None:
        return html_tag("small", html_text("none of a quantile" if pair.metric.kind == "quantile" else "too few"))
    ends = f"{format_difference(found.low, unit)} to {format_difference(found.high, unit)}"
    small = html_tag("small", html_text(ends)) if found.low is not None else ""
    return f"{html_text(format_difference(found.value, unit))} {small}"


def interval_bar(
    found: Difference | None, metric: Metric, verdict: str, colours: Palette, reach: float | None = None
) -> str:
    """The interval as a bar about zero, the difference as a mark in it; nothing where there is no interval."""
    if found is None or found.low is None or found.high is None:
        return html_tag("small", html_text("no interval" if found else ""))
    scale = (reach or _reach(found)) * BAR_REACH or 1.0
    left, right, mark = (50 + 50 * end / scale for end in (found.low, found.high, found.value))
    colour = {"better": colours.good, "worse": colours.bad}.get(verdict, colours.quiet)
    ends = f"{format_difference(found.low, metric.unit)} to {format_difference(found.high, metric.unit)}"
    bar = html_tag(
        "i", class_="range", style=f"left:{left:.1f}%;width:{max(right - left, 0.5):.1f}%;background:{colour}"
    )
    point = html_tag("i", class_="mark", style=f"left:{mark:.1f}%;background:{colours.text}")
    track = html_tag("div", html_tag("i", class_="zero"), bar, point, class_="cs-interval", role="img", aria_label=ends)
    return f"{track}{html_tag('small', html_text(ends))}"


def _reach(found: Difference | None) -> float:
    ends = (found.low, found.high) if found else ()
    return max((abs(end) for end in ends if end is not None), default=0.0)


def _csv_row(pair: ArmPair) -> dict[str, object]:
    """The same for the CSV."""
    said: dict[str, object] = {"metric": pair.metric.id, "unit": pair.metric.unit}
    for name, figure in (("a", pair.one), ("b", pair.other)):
        said |= {name: figure.value, f"{name}_n": figure.n, f"{name}_low": figure.low, f"{name}_high": figure.high}
    for name, found in (("difference", pair.difference), ("at_equal_mix", pair.at_equal_mix)):
        said |= {name: found.value if found else None}
        said |= {f"{name}_low": found.low if found else None, f"{name}_high": found.high if found else None}
    return said
