"""Short lists as bars: a figure each, and top contributors with their share in the selection and before."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.contributor_result import ContributorResult, unexplained_change
from controlsurface.formatting import format_difference, format_ratio, format_value
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text, palette


def bar_list(rows: pl.DataFrame, name: str, *, unit: str, most: int = 8) -> None:
    """Rows (name, value), largest first; those beyond `most` are summed up in words."""
    ranked = rows.drop_nulls("value").sort("value", descending=True)
    largest = ranked["value"].max() or 1
    lines = (_bar_line(row[name], row["value"], row["value"] / largest, unit) for row in ranked.head(most).to_dicts())
    st.html(html_tag("div", *lines, class_="cs-bars", role="list"))
    if ranked.height > most:
        rest = format_value(float(ranked["value"][most:].sum()), unit)
        st.caption(f"and {ranked.height - most:,} more, {escape_markdown(rest)} together")


def _bar_line(name: object, value: float, share: float, unit: str) -> str:
    bar = html_tag("div", class_="bar", style=f"width:{share * 100:.1f}%;background:{palette().accent}")
    shown = html_text("unknown" if name is None else name)
    return html_tag(
        "div",
        html_tag("div", shown, title=shown),
        bar,
        html_tag("div", html_text(format_value(value, unit)), class_="figure"),
        role="listitem",
    )


Row = Mapping[str, Any]
MAX_CONTRIBUTORS = 12  # rows drawn


def contributor_bars(found: ContributorResult) -> None:
    """The first MOST rows that say something of their own; those that repeat others in words below."""
    own = found.causes
    largest = (
        max((_share(found, row, side) for row in own[:MAX_CONTRIBUTORS] for side in ("before", "after")), default=0)
        or 1
    )
    head = html_tag(
        "div",
        *(html_tag("div", html_text(name), class_=kind, role="columnheader") for name, kind in HEADER_CLASSES.items()),
        class_="head",
        role="row",
    )
    lines = (_line(found, row, largest) for row in own[:MAX_CONTRIBUTORS])
    st.html(html_tag("div", head, *lines, class_="cs-different", role="table", aria_label="Top contributors"))
    st.caption(escape_markdown(_rest(found, own)))


HEADER_CLASSES = {
    "value": "",
    "Share of the metric": "",
    "Before → after": "figure",
    "Contribution": "figure",
    "Of change": "figure",
    "Mix effect": "figure",
    "Rate effect": "figure",
    "z": "figure",
}


def contributor_figures(row: Row, found: ContributorResult) -> tuple[str, ...]:
    """Before → after, contribution, its share of the change, mix and rate effect, and z: as people read them."""
    unit = found.unit
    own = f"{format_value(row['before'], unit)} → {format_value(row['after'], unit)}"
    delta, mix, rate = (format_difference(row[name], unit) for name in ("delta", "mix", "rate"))
    return own, delta, format_value(row["share"], "ratio"), mix, rate, f"{row['z']:+.1f}"


def _share(found: ContributorResult, row: Row, side: str) -> float:
    """The value's share of the metric's numerator."""
    whole, share = getattr(found, side), row[f"share_{side}"]
    if not whole or row[side] is None:
        return 0.0
    is_total = found.parameters.get("total")
    return float(row[side] / whole if is_total else row[side] * (share or 0) / whole)


def _line(found: ContributorResult, row: Row, largest: float) -> str:
    after, before = (_share(found, row, side) for side in ("after", "before"))
    name = html_text("unknown" if row["value"] is None else row["value"])
    pair = "".join(
        html_tag("div", class_="bar", style=f"width:{max(share, 0) / largest * 100:.1f}%;background:{colour}")
        for share, colour in ((after, palette().changed), (before, palette().rest))
    )
    figures = contributor_figures(row, found)
    label = f"{format_ratio(after)} of the metric in the selection, {format_ratio(before)} before"
    return html_tag(
        "div",
        html_tag(
            "div",
            html_tag("small", html_text(row["dimension"])),
            f" {name}",
            *([html_tag("small", html_text(f" within {row['within']}"))] if row["within"] else []),
            title=f"{row['n']:,} rows, {row['n_before']:,} before",
            role="rowheader",
        ),
        html_tag("div", html_tag("div", pair, role="img", aria_label=label, title=label), role="cell"),
        *(html_tag("div", html_text(figure), class_="figure", role="cell") for figure in figures),
        role="row",
    )


def _rest(found: ContributorResult, own: Sequence[Row]) -> str:
    """What is not drawn: how many, and which repeat others."""
    compared = [f"All figures are about the {found.compared}."] if found.compared else []
    parts = [
        *compared,
        contributor_criteria(found),
        f"Unexplained by the rows shown: {_unexplained(found, own[:MAX_CONTRIBUTORS])}.",
        "Orange is the selection, grey the baseline.",
    ]
    if len(own) > MAX_CONTRIBUTORS:
        parts.append(f"{found.values - MAX_CONTRIBUTORS:,} more not shown.")
    folded = (row for row in as_dicts(found.rows) if row["same_as"])
    same = [f"{row['dimension']} {row['value'] or 'unknown'} (= {row['same_as']})" for row in folded]
    if same:
        parts.append(f"Equivalent values merged: {', '.join(same[:4])}{' …' if len(same) > 4 else ''}.")
    return " ".join(parts)


def contributor_criteria(found: ContributorResult) -> str:
    """Which values are listed, and by what they are ranked."""
    if found.total:
        least = format_ratio(found.least_share)
        return f"Minimum {least} of a dimension's change, ranked by contribution beyond its share of the baseline."
    return f"Minimum {found.support} rows, ranked by significance."


def _unexplained(found: ContributorResult, rows: Sequence[Row]) -> str:
    """What the rows of each dimension leave of the change."""
    rest = unexplained_change(rows, found.delta)
    return ", ".join(f"{format_difference(left, found.unit)} by {name}" for name, left in rest.items())
