"""The frame around every page: title, icon, style, and the menu."""

import gc
from collections.abc import Sequence
from functools import cache

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from controlsurface import __version__
from controlsurface.shipped_paths import DASHBOARDS
from controlsurface.ui.app import restart_check
from controlsurface.ui.data import visitor
from controlsurface.ui.elements import html_tags, states
from controlsurface.ui.navigation import sidebar, triage_selection, zoom

ABOUT_TEXT = f"**Control Surface {__version__}**: the instrument panel and ledger of a router-first LLM system."


def run_dashboard(pages: Sequence[StreamlitPage]) -> None:
    """The whole app: the window, its navigation and its bar, and in it the page that was asked for.

    The bar belongs to the app and not to a page: Streamlit forgets a page's own filters when another is opened.
    """
    st.set_page_config(
        page_title="Control Surface",
        page_icon=str(DASHBOARDS / "static" / "icon.svg"),  # an icon by name would be fetched from a font host
        layout="wide",
        menu_items={"About": ABOUT_TEXT},
    )
    html_tags.style_sheet()
    page = st.navigation(pages, position="top")
    restart_check.stop_if_updated()
    _stop_where_signed_out()
    zoom.carry_zoom(page.url_path)
    sidebar.draw_sidebar()
    triage_selection.zoom_banner()
    page.run()
    _loaded()


def _stop_where_signed_out() -> None:
    """Say it in place of a page that was open when its sign-in ended, and end the run there."""
    if visitor.is_signed_out():
        states.empty_state("Signed out", "This sign-in has ended. Load the page again to sign in.")
        st.stop()


@cache
def _loaded() -> None:
    """What the first page loaded stays: Streamlit looks through all that may be garbage after every run."""
    gc.collect()
    gc.freeze()


def dashboard_page(script: str, title: str, icon: str, *, default: bool = False) -> StreamlitPage:
    """A page of dashboards/, at /<script's name>; `icon` is a Material symbol's name."""
    return st.Page(script, title=title, icon=f":material/{icon}:", default=default)
