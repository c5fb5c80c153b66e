"""Under a box drawn in a heatmap: what is different about the requests inside of it, ranked, and where it leads."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.region_result import RegionQuery, RegionResult
from controlsurface.formatting import (
    format_confidence,
    format_difference,
    format_ratio,
    format_value,
)
from controlsurface.metrics.contributors.contributor_query import MIN_SUPPORT_ROWS
from controlsurface.metrics.contributors.region_query import RegionArgs, RegionColumn
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import escape_markdown, html_table, html_tag, html_text, palette
from controlsurface.ui.requests.request_search import requests_link
from controlsurface.ui.view import UNKNOWN_VALUE_LABEL, DashboardView
from controlsurface.ui.widgets.panels import SelectionBox

Row = Mapping[str, Any]
MAX_DIFFERENCES = 10  # rows drawn


def region_differences(view: DashboardView, column: RegionColumn, box: SelectionBox) -> None:
    """What the requests in a box have more or less often than the others of the view, and a link to them."""
    start, end, low, high = box
    args = RegionArgs(
        **view.asked, column=column, low=low, high=high, region_start=start, region_end=end, limit=4 * MAX_DIFFERENCES
    )
    found = collector_queries.fetch_cached(RegionQuery(args))
    name = format_value(low, "ms") + " to " + format_value(high, "ms")
    if column == "confidence":
        name = f"{format_confidence(low)} to {format_confidence(high)}"
    title = f"Selection: {name}, {time_zone.range_text((start, end))} {time_zone.zone_label()}"
    st.html(html_tag("h3", html_text(title), html_tag("small", html_text(_sizes(found))), class_="cs-title"))
    own = [row for row in as_dicts(found.rows) if row["same_as"] is None][:MAX_DIFFERENCES]
    if own:
        largest = max(max(row["share"], row["share_outside"]) for row in own) or 1.0
        head = ("value", "inside (orange) and outside", "inside", "outside", "difference", "95 % interval")
        st.html(html_table(head, (_line(row, largest) for row in own), "differences of the selection"))
    st.caption(escape_markdown(_criteria(found, own)))
    bounds = {f"{column}_min": _rounded(low), f"{column}_max": _rounded(high)}
    requests_link(start, end, **{each: bound for each, bound in bounds.items() if bound >= 0})


def _sizes(found: RegionResult) -> str:
    return f"{found.n:,} requests inside, {found.n_outside:,} outside"


def _criteria(found: RegionResult, own: Sequence[Row]) -> str:
    """Why there are so many rows."""
    if min(found.n, found.n_outside) < MIN_SUPPORT_ROWS:
        return f"Fewer than {MIN_SUPPORT_ROWS} requests inside or outside: too few to compare. Draw a larger box."
    if not own:
        return "Nothing is more or less frequent inside than outside beyond chance."
    folded = [
        f"{row['dimension']} {row['value']} (= {row['same_as']})" for row in as_dicts(found.rows) if row["same_as"]
    ]
    same = f" Equivalent values merged: {', '.join(folded[:4])}." if folded else ""
    more = f" {found.values - len(own):,} more not shown." if found.values - len(own) > len(folded) else ""
    return f"Minimum {MIN_SUPPORT_ROWS} requests and three standard errors, ranked by difference of shares.{same}{more}"


def _line(row: Row, largest: float) -> str:
    """One value: its share inside over that outside."""
    pair = "".join(
        html_tag("div", class_="bar", style=f"width:{share / largest * 100:.1f}%;background:{colour}")
        for share, colour in ((row["share"], palette().changed), (row["share_outside"], palette().rest))
    )
    ends = f"{format_difference(row['low'], 'ratio')} to {format_difference(row['high'], 'ratio')}"
    cells = (
        f"{html_tag('small', html_text(row['dimension']))} {html_text(row['value'] or UNKNOWN_VALUE_LABEL)}",
        html_tag("div", pair, class_="cs-pair", role="img", aria_label=f"inside over outside of {row['value']}"),
        f"{html_text(format_ratio(row['share']))} {_count(row['n'])}",
        f"{html_text(format_ratio(row['share_outside']))} {_count(row['n_outside'])}",
        html_tag("b", html_text(format_difference(row["difference"], "ratio"))),
        html_tag("small", html_text(ends)),
    )
    return html_tag("tr", *(html_tag("td", cell) for cell in cells))


def _count(n: int) -> str:
    return html_tag("small", html_text(f"n {n:,}"))


def _rounded(bound: float) -> float:
    """As an address carries it."""
    return round(bound, 2) if abs(bound) < 100 else round(bound)
