"""Top contributors as a table whose rows can be followed: only this value, all others, or the metric split by it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.contributor_result import ContributorResult
from controlsurface.formatting import format_count, format_difference, format_value
from controlsurface.metrics.contributors.leading_cause import UNKNOWN_VALUES
from controlsurface.metrics.statistics import Z_95
from controlsurface.query.dimensions import SHARED_DIMENSIONS
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text, palette
from controlsurface.ui.triage.conclusion_text import share_text
from controlsurface.ui.triage.triage_links import exclude_link, filter_link, split_link
from controlsurface.ui.view import DashboardView
from controlsurface.ui.widgets.bar_lists import contributor_criteria

Row = Mapping[str, Any]
MAX_ROWS = 10  # drawn
HEADER_CLASSES = {
    "Value": "",
    "Before → after": "figure",
    "Explains": "",
    "z": "figure",
    "Look at": "links",
}
EXPLAINS_TEXT = (
    "Explains: what a value has more than at the baseline's rate and mix, as a part of the whole change, with its 95 % "
    "interval. All values of a dimension explain 100 % together; dimensions overlap."
)
MAX_BAR_SHARE = 1.0  # of the change: longer bars end there


def worth_showing(found: ContributorResult) -> list[Row]:
    """The values that surely moved, those of the leading cause first, and what has no name behind all that has."""
    leading = [(cause["dimension"], value) for cause in found.leading for value in cause["values"]]
    rows = [row for row in found.causes if abs(row["z"]) >= Z_95 or (row["dimension"], row["value"]) in leading]

    def place(row: Row) -> tuple[int, bool]:
        key = (row["dimension"], row["value"])
        return (leading.index(key) if key in leading else len(leading)), row["value"] in UNKNOWN_VALUES

    return sorted(rows, key=place)


def known_values(found: ContributorResult, view: DashboardView) -> dict[str, list[str | None]]:
    """All values in the window of the dimensions that are shown and can be filtered by, where all are known."""
    names = dict.fromkeys(
        r["dimension"] for r in worth_showing(found)[:MAX_ROWS] if r["dimension"] in SHARED_DIMENSIONS
    )
    if not names:
        return {}
    rows = collector_queries.frequent_values(names, view).to_dicts()
    values: dict[str, list[str | None]] = {name: [] for name in names}
    for row in rows:
        values[row["dimension"]].append(row["value"])
    most = {row["dimension"]: row["distinct_values"] for row in rows}
    return {name: found for name, found in values.items() if len(found) >= most.get(name, 0)}


def contributor_table(found: ContributorResult, values: Mapping[str, Collection[str | None]]) -> None:
    """Draw it; `values` are all those of a dimension in the window, where they are known."""
    rows = worth_showing(found)
    if not rows:
        st.caption("No value moved by more than chance.")
    else:
        names = (html_tag("div", html_text(n), class_=c, role="columnheader") for n, c in HEADER_CLASSES.items())
        lines = [_line(found, row, values.get(row["dimension"], ())) for row in rows[:MAX_ROWS]]
        head = html_tag("div", *names, class_="head", role="row")
        label = "Top contributors"
        st.html(html_tag("div", head, *lines, class_="cs-different cs-causes", role="table", aria_label=label))
    st.caption(escape_markdown(" ".join(_notes(found, rows))))


def _line(found: ContributorResult, row: Row, values: Collection[str | None]) -> str:
    links = [filter_link(row["dimension"], row["value"]), exclude_link(row["dimension"], row["value"], values)]
    links.append(split_link(row["dimension"]))
    own = f"{format_value(row['before'], found.unit)} → {format_value(row['after'], found.unit)}"
    cells = [
        html_tag("div", html_text(own), class_="figure", role="cell"),
        html_tag("div", _explains(found, row), role="cell"),
        html_tag("div", html_text(f"{row['z']:+.1f}"), class_="figure", role="cell"),
        html_tag("div", " ".join(filter(None, links)), class_="links", role="cell"),
    ]
    return html_tag("div", _head(row), *cells, role="row")


def _head(row: Row) -> str:
    name = "not stated" if row["value"] is None else row["value"]
    within = [html_tag("small", html_text(f" within {row['within']}"))] if row["within"] else []
    title = f"n {format_count(row['n'])}, {format_count(row['n_before'])} before"
    dimension = html_tag("small", html_text(row["dimension"].replace("_", " ")))
    return html_tag("div", dimension, f" {html_text(name)}", *within, title=title, role="rowheader")


def _explains(found: ContributorResult, row: Row) -> str:
    """The share explained as a bar and in words, its interval beside it."""
    share, low, high = (row[name] for name in ("explains", "explains_low", "explains_high"))
    if share is None:
        return html_text("–")
    width = min(max(share, 0.0), MAX_BAR_SHARE) / MAX_BAR_SHARE * 100
    bar = html_tag("i", class_="bar", style=f"width:{width:.1f}%;background:{palette().changed}")
    track = html_tag("span", bar, class_="track", aria_hidden="true")
    parts = f"rate effect {format_difference(row['rate'], found.unit)}, mix effect {format_difference(row['mix'], found.unit)}"
    figures = html_tag(
        "span", html_text(share_text(share)), html_tag("small", html_text(f" {low * 100:.0f} to {high * 100:.0f} %"))
    )
    return html_tag("div", track, figures, class_="explains", title=parts)


def _notes(found: ContributorResult, rows: Sequence[Row]) -> list[str]:
    """What the table is about, and what it leaves out."""
    parts = [
        *([f"All figures are about the {found.compared}."] if found.compared else []),
        EXPLAINS_TEXT,
        contributor_criteria(found),
    ]
    if rows:
        parts.append(f"Unexplained by the rows shown: {_unexplained(rows[:MAX_ROWS])}.")
    hidden = len(found.causes) - len(rows)
    if hidden:
        parts.append(f"{format_count(hidden)} values within chance not shown.")
    if len(rows) > MAX_ROWS:
        parts.append(f"{format_count(len(rows) - MAX_ROWS)} more not shown.")
    folded = (row for row in as_dicts(found.rows) if row["same_as"])
    same = [f"{row['dimension']} {row['value'] or 'unknown'} (= {row['same_as']})" for row in folded]
    if same:
        parts.append(f"Equivalent values merged: {', '.join(same[:4])}{' …' if len(same) > 4 else ''}.")
    return parts


def _unexplained(rows: Sequence[Row]) -> str:
    """What the rows of each dimension leave of the whole change."""
    rest = dict.fromkeys((row["dimension"] for row in rows), 1.0)
    for row in rows:
        rest[row["dimension"]] -= row["explains"] or 0
    return ", ".join(f"{share_text(left)} by {name.replace('_', ' ')}" for name, left in rest.items())
