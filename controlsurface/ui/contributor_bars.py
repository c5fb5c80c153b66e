"""Top contributors, as bars: a value's share in the selection (orange) and before (grey), and its contribution."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from controlsurface.formatting import format_difference, format_ratio, format_value
from controlsurface.reader.contributors import Contributors, unexplained
from controlsurface.reader.rows import records
from controlsurface.ui.elements.markdown import plain
from controlsurface.ui.markup import palette, tag, text

Row = Mapping[str, Any]
MOST = 12  # rows drawn


def bars(found: Contributors) -> None:
    """The first MOST rows that say something of their own; those that repeat others in words below."""
    own = found.causes
    largest = max((_share(found, row, side) for row in own[:MOST] for side in ("before", "after")), default=0) or 1
    head = tag(
        "div",
        *(tag("div", text(name), class_=kind, role="columnheader") for name, kind in HEAD.items()),
        class_="head",
        role="row",
    )
    lines = (_line(found, row, largest) for row in own[:MOST])
    st.html(tag("div", head, *lines, class_="cs-different", role="table", aria_label="Top contributors"))
    st.caption(plain(_rest(found, own)))


HEAD = {
    "value": "",
    "Share of the metric": "",
    "Before → after": "figure",
    "Contribution": "figure",
    "Of change": "figure",
    "Mix effect": "figure",
    "Rate effect": "figure",
    "z": "figure",
}


def said(row: Row, found: Contributors) -> tuple[str, ...]:
    """Before → after, contribution, its share of the change, mix and rate effect, and z: as people read them."""
    unit = found.unit
    own = f"{format_value(row['before'], unit)} → {format_value(row['after'], unit)}"
    delta, mix, rate = (format_difference(row[name], unit) for name in ("delta", "mix", "rate"))
    return own, delta, format_value(row["share"], "ratio"), mix, rate, f"{row['z']:+.1f}"


def _share(found: Contributors, row: Row, side: str) -> float:
    """The value's share of the metric's numerator."""
    whole, share = getattr(found, side), row[f"share_{side}"]
    if not whole or row[side] is None:
        return 0.0
    is_total = found.parameters.get("total")
    return float(row[side] / whole if is_total else row[side] * (share or 0) / whole)


def _line(found: Contributors, row: Row, largest: float) -> str:
    after, before = (_share(found, row, side) for side in ("after", "before"))
    name = text("unknown" if row["value"] is None else row["value"])
    pair = "".join(
        tag("div", class_="bar", style=f"width:{max(share, 0) / largest * 100:.1f}%;background:{colour}")
        for share, colour in ((after, palette().changed), (before, palette().rest))
    )
    figures = said(row, found)
    label = f"{format_ratio(after)} of the metric in the selection, {format_ratio(before)} before"
    return tag(
        "div",
        tag(
            "div",
            tag("small", text(row["dimension"])),
            f" {name}",
            *([tag("small", text(f" within {row['within']}"))] if row["within"] else []),
            title=f"{row['n']:,} rows, {row['n_before']:,} before",
            role="rowheader",
        ),
        tag("div", tag("div", pair, role="img", aria_label=label, title=label), role="cell"),
        *(tag("div", text(figure), class_="figure", role="cell") for figure in figures),
        role="row",
    )


def _rest(found: Contributors, own: Sequence[Row]) -> str:
    """What is not drawn: how many, and which repeat others."""
    compared = [f"All figures are about the {found.compared}."] if found.compared else []
    parts = [
        *compared,
        admitted(found),
        f"Unexplained by the rows shown: {_unexplained(found, own[:MOST])}.",
        "Orange is the selection, grey the baseline.",
    ]
    if len(own) > MOST:
        parts.append(f"{found.values - MOST:,} more not shown.")
    folded = (row for row in records(found.rows) if row["same_as"])
    same = [f"{row['dimension']} {row['value'] or 'unknown'} (= {row['same_as']})" for row in folded]
    if same:
        parts.append(f"Equivalent values merged: {', '.join(same[:4])}{' …' if len(same) > 4 else ''}.")
    return " ".join(parts)


def admitted(found: Contributors) -> str:
    """Which values are listed, and by what they are ranked."""
    if found.total:
        least = format_ratio(found.least_share)
        return f"Minimum {least} of a dimension's change, ranked by contribution beyond its share of the baseline."
    return f"Minimum {found.support} rows, ranked by significance."


def _unexplained(found: Contributors, rows: Sequence[Row]) -> str:
    """What the rows of each dimension leave of the change."""
    rest = unexplained(rows, found.delta)
    return ", ".join(f"{format_difference(left, found.unit)} by {name}" for name, left in rest.items())
