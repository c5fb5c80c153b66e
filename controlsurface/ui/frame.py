"""The frame around every page: title, icon, style, and the menu."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from controlsurface import __version__
from controlsurface.content import DASHBOARDS
from controlsurface.ui import markup

ABOUT = f"**Control Surface {__version__}**: the instrument panel and ledger of a router-first LLM system."


def frame() -> None:
    """Set up the window; the first call of the app."""
    st.set_page_config(
        page_title="Control Surface",
        page_icon=str(DASHBOARDS / "static" / "icon.svg"),  # an icon by name would be fetched from a font host
        layout="wide",
        menu_items={"About": ABOUT},
    )
    markup.style()


def page(script: str, title: str, icon: str, *, default: bool = False) -> StreamlitPage:
    """A page of dashboards/, at /<script's name>; `icon` is a Material symbol's name."""
    return st.Page(script, title=title, icon=f":material/{icon}:", default=default)
