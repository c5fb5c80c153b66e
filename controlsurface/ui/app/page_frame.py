"""The frame around every page: title, icon, style and menu, and a note in place of a page whose files were updated."""

import ast
import gc
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from controlsurface import __version__
from controlsurface.shipped_paths import DASHBOARDS
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.data.collector_health import HEALTH
from controlsurface.ui.data.firing_alerts import firing_count
from controlsurface.ui.elements import html_tags, states
from controlsurface.ui.elements.html_tags import html_tag
from controlsurface.ui.navigation import filter_bar, triage_selection, view_controls
from controlsurface.ui.navigation.empty_window import demo_loading_note

FileMark = tuple[int, int, int]  # of a file: when it was written, how long it is, which one it is


@dataclass(frozen=True, slots=True)
class FileSnapshot:
    """Files as they were when they were first looked at."""

    marks: dict[Path, FileMark | None]

    @classmethod
    def of(cls, paths: Iterable[Path]) -> "FileSnapshot":
        """These files as they are now."""
        return cls({path: _mark(path) for path in paths})

    def changed(self) -> bool:
        """Whether one of them is another file by now, or gone."""
        return any(_mark(path) != mark for path, mark in self.marks.items())


def stop_if_updated() -> None:
    """Say it in place of a page, and end the run there; nothing where all is as it was."""
    if FILES_AT_START.changed():
        states.empty_state(
            "Updated: start it again",
            "The files of Control Surface have changed since this dashboard was started. Restart "
            f"{html_tag('code', 'controlsurface serve')}; this page comes back with it. Nothing is lost: what was "
            "answered is on the disk, and senders keep the rest.",
        )
        st.stop()


def _mark(path: Path) -> FileMark | None:
    """What tells a file from the one that takes its place; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


FILES_AT_START = FileSnapshot.of([*DASHBOARDS.glob("*.py"), *Path(__file__).parents[1].rglob("*.py")])

PAGES_WITHOUT_FILTERS = ("alerts",)  # rules look at all traffic; the controls stay for the pages that follow
PRODUCT_NAME = "Control Surface"
DEFAULT_PAGE = "overview"
_SENTENCE = re.compile(r"[^.?:]*[.?]?")
ABOUT_TEXT = f"**Control Surface {__version__}**: the instrument panel and ledger of a router-first LLM system."


def run_dashboard(pages: Sequence[StreamlitPage]) -> None:
    """The whole app: the window, its navigation and its bar, and in it the page that was asked for.

    The bar belongs to the app and not to a page: Streamlit forgets a page's own filters when another is opened.
    """
    _configure_window(PRODUCT_NAME)
    head = st.container(key="cs_head", gap=None)  # as high as its line from the beginning, so that nothing jumps
    with head:
        html_tags.style_sheet()
    page = st.navigation(pages, position="top")
    stop_if_updated()
    _stop_where_signed_out()
    collector_queries.begin_run()
    with head:
        st.html(_page_heading(page))
        if page.url_path in PAGES_WITHOUT_FILTERS:
            st.html(html_tag("i", class_="cs-no-filters"))
    filter_bar.draw_filter_bar(page.url_path)
    triage_selection.zoom_banner()
    demo_loading_note()
    _configure_window(page_title(page.title, firing_count()))
    try:
        page.run()
    finally:  # also where the page ended the run by itself
        states.mark_drawn()
    if collector_queries.is_collector_silent():
        states.rerun_every(states.RETRY_INTERVAL, when=lambda: HEALTH.silent_since() is None)
    else:
        view_controls.remember_now()
    _loaded()


def _configure_window(title: str) -> None:
    st.set_page_config(
        page_title=title,
        page_icon=str(DASHBOARDS / "static" / "icon.svg"),  # an icon by name would be fetched from a font host
        layout="wide",
        initial_sidebar_state="collapsed",
        menu_items={"About": ABOUT_TEXT},
    )


def _page_heading(page: StreamlitPage) -> str:
    question = page_question(page.url_path or DEFAULT_PAGE)
    name = html_tag("h1", html_tags.html_text(page.title), class_="cs-page", data_page=page.url_path)
    return html_tag("div", name, html_tag("span", html_tags.html_text(question)), class_="cs-heading", title=question)


@cache
def page_question(name: str) -> str:
    """What a page of dashboards/ answers: the first sentence of its docstring.

    >>> page_question("overview")
    'Is the router earning its keep?'
    """
    docstring = ast.get_docstring(ast.parse((DASHBOARDS / f"{name}.py").read_text("utf-8"))) or ""
    return _SENTENCE.match(docstring)[0]  # type: ignore[index]


def page_title(page: str, firing: int) -> str:
    """What the browser's tab says: the page first, for tabs are narrow, and how many alerts fire.

    >>> page_title("Triage", 2), page_title("Cost", 0)
    ('Triage (2) - Control Surface', 'Cost - Control Surface')
    """
    return f"{page} ({firing}) - {PRODUCT_NAME}" if firing else f"{page} - {PRODUCT_NAME}"


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
