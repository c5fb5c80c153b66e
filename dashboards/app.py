"""The dashboard: its pages, in the order of an incident. A new page is one line here."""

import streamlit as st

from controlsurface import ui

ui.frame()
pages = [
    ui.page("overview.py", "Overview", "monitoring", default=True),
    ui.page("traces.py", "Traces", "account_tree"),
]
st.navigation(pages, position="top").run()
