"""Why did this request go where it went? One at a time, with what it cost on the way."""

import streamlit as st

from controlsurface import ui

view = ui.current_view()
found = ui.search_requests(view)


@st.fragment
def requests() -> None:
    """The table and, beside it, the request that is chosen: a click draws only these anew."""
    chosen = ui.chosen_request(found.page.rows)
    table, side = st.columns([5, 4]) if chosen else (st.container(), None)
    with table, ui.panel("Requests", found.note or "choose a row to see why it went where it went"):
        ui.request_table(found.page.rows)
        ui.more_requests_button(found)
    if chosen is None or side is None:
        return
    with side:
        with ui.panel("Why this lane", chosen.request["request_id"]):
            ui.request_card(chosen)
        with ui.panel("Trace", "every span, under its parent"):
            ui.request_trace(chosen)


if found.page.rows.num_rows:
    requests()
else:
    ui.no_match_state(found)
