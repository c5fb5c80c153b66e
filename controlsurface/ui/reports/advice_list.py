"""What to do, in one line that opens: each piece of advice with its figures, and a link to the page that shows them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from controlsurface.client.advice import AdviceQuery
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.query.arguments import WeekRange
from controlsurface.ui.data import collector_queries
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text
from controlsurface.ui.elements.page_links import page_url
from controlsurface.ui.navigation.view_controls import custom_range_parameters
from controlsurface.ui.view import FILTER_LABELS, DashboardView

Row = Mapping[str, Any]


@st.fragment(parallel=True)
def advice_list() -> None:
    """What the built-in rules advise in what the bar shows, over all its traffic; the filters do not narrow it.

    It costs as much as all charts of a page together, so it is asked beside them and about whole steps of time.
    """
    view = collector_queries.current_view()
    whole = view.widened(collector_queries.SLOW_ANSWER_TTL)
    args = WeekRange(start=whole.start, end=whole.end)
    found = collector_queries.fetch_slow_cached(AdviceQuery(args))
    rows, rules = as_dicts(found.rows), found.facts["rules"]
    with st.expander(_headline(rows), icon=":material/lightbulb:"):
        st.html(html_tag("ul", *(_line(row, view) for row in rows), class_="cs-advice") if rows else _quiet())
        st.caption(
            f"{len(rules):,} rules over all traffic of this window. {escape_markdown(_rules_without_evidence(rules))}"
        )


def _headline(rows: Sequence[Row]) -> str:
    """How much there is to do, and the piece that concerns most requests."""
    if not rows:
        return "Advice: nothing to do"
    return f"Advice: {escape_markdown(rows[0]['title'])}" + (f" · and {len(rows) - 1} more" if len(rows) > 1 else "")


def _quiet() -> str:
    return html_tag("p", html_text("Nothing to do by the rules that had enough to look at."), class_="cs-why")


def _line(row: Row, view: DashboardView) -> str:
    """What to do, as a link to where it is seen, and why."""
    return html_tag(
        "li",
        html_tag("a", html_text(row["title"]), href=_address(row, view), class_="cs-link"),
        html_tag("p", html_text(row["why"])),
    )


def _address(row: Row, view: DashboardView) -> str:
    """The page that shows the figures, over this window and narrowed to the slice where the page can be."""
    dimension, _, value = row["where"].partition(":")
    narrowed = {dimension: value} if dimension in FILTER_LABELS and value else {}
    return page_url(row["page"], {**custom_range_parameters(view.start, view.end), **narrowed})


def _rules_without_evidence(rules: Iterable[Row]) -> str:
    """Which rules could not say anything, and why."""
    reasons: dict[str, list[str]] = {}
    for rule in rules:
        if rule["state"] in {"too few", "no data", "window too short"}:
            reasons.setdefault(rule["state"], []).append(rule["looks_for"])
    return " ".join(f"{state.capitalize()}: {', '.join(names)}." for state, names in reasons.items())
