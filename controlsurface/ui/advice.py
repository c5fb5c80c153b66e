"""What to do, in one line that opens: each piece of advice with its figures, and a link to the page that shows them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from controlsurface.reader.advice import AdviceArgs, Advised
from controlsurface.reader.rows import records
from controlsurface.ui import reading
from controlsurface.ui.bar import FILTERS, custom
from controlsurface.ui.elements.markdown import plain
from controlsurface.ui.markup import tag, text
from controlsurface.ui.window import View

Row = Mapping[str, Any]


@st.fragment(parallel=True)
def advice() -> None:
    """What the built-in rules advise in what the bar shows, over all its traffic; the filters do not narrow it.

    It costs as much as all charts of a page together, so it is asked beside them and about whole steps of time.
    """
    view = reading.view()
    whole = view.widened(reading.MINUTES)
    args = AdviceArgs(start=whole.start, end=whole.end)
    found = reading.kept(Advised(args))
    rows, rules = records(found.rows), found.facts["rules"]
    with st.expander(_headline(rows), icon=":material/lightbulb:"):
        st.html(tag("ul", *(_line(row, view) for row in rows), class_="cs-advice") if rows else _quiet())
        st.caption(f"{len(rules):,} rules over all traffic of this window. {plain(_unable(rules))}")


def _headline(rows: Sequence[Row]) -> str:
    """How much there is to do, and the piece that concerns most requests."""
    if not rows:
        return "Advice: nothing to do"
    return f"Advice: {plain(rows[0]['title'])}" + (f" · and {len(rows) - 1} more" if len(rows) > 1 else "")


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
