"""Saved views in the bar: links that everybody has, and a field that gives the view of now a name."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.saved_views import DeleteViewCommand, SavedView, SavedViewsQuery, SaveViewCommand
from controlsurface.client.query_protocol import Command
from controlsurface.errors import BadRequest, ControlSurfaceError
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.elements import time_zone
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text

NAME_KEY, PROBLEM_KEY = "view_name", "_view_problem"


def saved_views_menu(page: str) -> None:
    """The button and its menu; the server is asked only while the menu is open."""
    menu = st.popover("Views", icon=":material/bookmark:", key="views", on_change="rerun")
    if not menu.open:
        return
    with menu:
        rows = as_dicts(collector_queries.run_now(SavedViewsQuery()).rows)
        for row in rows:
            _row(row)
        if not rows:
            st.caption("No view is saved yet. A view is a page with its time range and filters, for everybody here.")
        st.text_input("Name of this view", key=NAME_KEY, max_chars=80)
        who = visitor.name_field("Saved by", "view_author")
        st.button("Save this view", on_click=_save, args=(page, who))
        if problem := st.session_state.pop(PROBLEM_KEY, ""):
            st.warning(escape_markdown(problem))


def view_address(page: str) -> str:
    """The page of now as it is addressed behind the server's own address."""
    query = urlencode({name: st.query_params.get_all(name) for name in st.query_params}, doseq=True)
    return f"{page}?{query}" if query else page


def _row(row: Mapping[str, Any]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        link = html_tag("a", html_text(row["name"]), href=f"/{row['address']}", class_="cs-link")
        by = f"{row['saved_by'] or 'nobody named'}, {time_zone.minute_text(row['saved_at'])}"
        st.html(f"{link}<br>{html_tag('small', html_text(by), class_='cs-quiet')}", width="content")
        st.button(
            "Delete",
            key=f"delete view {row['name']}",
            help=f"Delete the view {escape_markdown(row['name'])}",
            on_click=_do,
            args=(DeleteViewCommand(row["name"]),),
        )


def _save(page: str, who: str) -> None:
    name = str(st.session_state.get(NAME_KEY) or "").strip()
    if not name:
        st.session_state[PROBLEM_KEY] = "Not saved: a view needs a name."
        return
    try:
        view = SavedView(name=name, address=view_address(page), saved_by=who)
    except BadRequest as problem:
        st.session_state[PROBLEM_KEY] = f"Not saved: {problem}"
        return
    _do(SaveViewCommand(view))
    st.session_state[NAME_KEY] = ""


def _do(command: Command) -> None:
    try:
        collector_queries.collector_client().execute(command)
    except ControlSurfaceError as problem:
        st.session_state[PROBLEM_KEY] = str(problem)
