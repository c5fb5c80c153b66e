"""Top contributors as a table whose rows can be followed: only this value, all others, or the metric split by it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.contributor_result import ContributorResult
from controlsurface.formatting import format_count, format_difference, format_ratio, format_value
from controlsurface.metrics.contributors.contributor_ranking import MIN_NEW_SHARE
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
    "Contribution": "",
    "z": "figure",
    "Look at": "links",
}
EXPLAINS_TEXT = (
    "Contribution: what a value has more than at the baseline's rate and mix, as a part of the whole change, with its "
    "95 % interval. All values of a dimension explain 100 % together; dimensions overlap."
)
MAX_BAR_SHARE = 1.0  # of the change: longer bars end there


def worth_showing(found: ContributorResult) -> list[Row]:
    """Values that surely moved beyond their due, those of the leading cause first, and names before what has none.

    Left out is what only shows how the metric came about, such as the router's reason for an escalation.
    """
    leading = [(cause["dimension"], value) for cause in found.leading for value in cause["values"]]
    moved = [row for row in found.causes if abs(row["beyond"]) >= Z_95 and not row["follows"]]
    known = {(row["dimension"], row["value"]) for row in moved}
    moved += [row for row in found.causes if (row["dimension"], row["value"]) in {*leading} - known]

    def place(row: Row) -> tuple[int, bool, bool]:
        key = (row["dimension"], row["value"])
        return (leading.index(key) if key in leading else len(leading)), took_over(row), row["value"] in UNKNOWN_VALUES

    return sorted(moved, key=place)


def took_over(row: Row) -> bool:
    """Whether a value is new in most rows, or gone from them: there is nothing to hold its rows against."""
    grew: float = (row["share_after"] or 0) - (row["share_before"] or 0)
    return abs(grew) > MIN_NEW_SHARE


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
        html_tag("div", html_text(f"{row['beyond']:+.1f}"), class_="figure", role="cell"),
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
    if took_over(row):
        shares = " → ".join(format_ratio(row[f"share_{side}"] or 0) for side in ("before", "after"))
        return html_tag("div", html_text(f"{shares} of all rows: came with the change"), class_="quiet")
    share, low, high = (row[name] for name in ("explains", "explains_low", "explains_high"))
    if share is None:
        return html_text("–")
    width = min(max(share, 0.0), MAX_BAR_SHARE) / MAX_BAR_SHARE * 100
    bar = html_tag("i", class_="bar", style=f"width:{width:.1f}%;background:{palette().changed}")
    track = html_tag("span", bar, class_="track", aria_hidden="true")
    effects = [f"{name} effect {format_difference(row[name], found.unit)}" for name in ("rate", "mix")]
    figures = html_tag(
        "span", html_text(share_text(share)), html_tag("small", html_text(f" {low * 100:.0f} to {high * 100:.0f} %"))
    )
    return html_tag("div", track, figures, class_="explains", title=", ".join(effects))


def _notes(found: ContributorResult, rows: Sequence[Row]) -> list[str]:
    """What the table is about, and what it leaves out."""
    parts = [
        *([f"All figures are about the {found.compared}."] if found.compared else []),
        EXPLAINS_TEXT,
        contributor_criteria(found),
    ]
    if rows:
        parts.append(
            f"Unexplained by the rows shown: {_unexplained([r for r in rows[:MAX_ROWS] if not took_over(r)])}."
        )
    hidden = len(found.causes) - len(rows)
    if hidden:
        parts.append(f"{format_count(hidden)} values that moved with the rest, or only follow from routing, not shown.")
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
