"""What to do, on one panel: each piece of advice with its figures, and a link to the page that shows them."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from controlsurface.reader.advice import AdviceArgs, Advised
from controlsurface.ui import reading
from controlsurface.ui.bar import FILTERS, custom
from controlsurface.ui.markup import tag, text
from controlsurface.ui.panels import panel
from controlsurface.ui.window import View

MOST = 5  # drawn at once; the rest on demand

Row = Mapping[str, Any]


def advice() -> None:
    """What the built-in rules advise in what the bar shows, over all its traffic; the filters do not narrow it."""
    view = reading.view()
    args = AdviceArgs(start=view.start, end=view.end)
    found = reading.ask("advice", args, lambda: reading.reader().ask(Advised(args)))
    rows, rules = found.rows.to_pylist(), found.facts["rules"]
    with panel("Advice", _note(rules)):
        st.html(tag("ul", *(_line(row, view) for row in rows[:MOST]), class_="cs-advice") if rows else _quiet())
        if len(rows) > MOST:
            with st.expander(f"{len(rows) - MOST} more"):
                st.html(tag("ul", *(_line(row, view) for row in rows[MOST:]), class_="cs-advice"))
        if unable := _unable(rules):
            st.caption(unable)


def _note(rules: Iterable[Row]) -> str:
    """How many rules were asked."""
    return f"{len(list(rules))} rules over all traffic of this window, those that concern most requests first"


def _quiet() -> str:
    return tag("p", text("Nothing to do by the rules that had enough to look at."), class_="cs-why")


def _line(row: Row, view: View) -> str:
    """What to do, as a link to where it is seen, and why."""
    return tag(
        "li", tag("a", text(row["title"]), href=_address(row, view), class_="cs-link"), tag("p", text(row["why"]))
    )


def _address(row: Row, view: View) -> str:
    """The page that shows the figures, over this window and narrowed to the slice where the page can be."""
    dimension, _, value = row["where"].partition(":")
    narrowed = {dimension: value} if dimension in FILTERS and value else {}
    return f"{row['page']}?{urlencode({**custom(view.start, view.end), **narrowed})}"


def _unable(rules: Iterable[Row]) -> str:
    """Which rules could not say anything, and why."""
    reasons: dict[str, list[str]] = {}
    for rule in rules:
        if rule["state"] in {"too few", "no data", "window too short"}:
            reasons.setdefault(rule["state"], []).append(rule["looks_for"])
    return " ".join(f"{state.capitalize()}: {', '.join(names)}." for state, names in reasons.items())
