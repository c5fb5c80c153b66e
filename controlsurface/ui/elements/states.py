"""What a page shows when it has nothing to show: why, and what to do about it."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn

import streamlit as st

from controlsurface.charts import MIN_POINT_ROWS
from controlsurface.errors import ControlSurfaceError, Unreachable
from controlsurface.ui.elements.html_tags import html_tag, html_text

RETRY_INTERVAL = timedelta(seconds=2)
DRAWN_KEY = "_drawn"  # when the page was drawn last, in the session


def empty_state(title: str, *paragraphs: str) -> None:
    """A bordered note; paragraphs are HTML."""
    st.html(
        html_tag(
            "div",
            html_tag("h2", html_text(title)),
            *(html_tag("p", each) for each in paragraphs),
            class_="cs-state",
            role="status",
        )
    )


def stop_with_state(title: str, advice: str) -> NoReturn:
    """A note, and the end of this run."""
    empty_state(title, html_text(advice))
    st.stop()


def unknown_value_state() -> None:
    """The state of a chart without a single known value: an empty one would look like zero."""
    empty_state(
        "Not enough data",
        f"No request has it, or fewer than {MIN_POINT_ROWS} requests of this window do: a longer time range may help.",
        "The Data page has a table of what spans fill, with the line to add for what they do not.",
    )


def unreachable_state(problem: Unreachable, try_again: Callable[[], object]) -> NoReturn:
    """The state without a collector; tries again every RETRY and shows the page as soon as one answers."""
    empty_state(
        "The collector does not answer",
        f"{html_tag('code', html_text(problem))} Nothing is lost: senders keep what was not answered.",
        f"{html_tag('code', 'controlsurface serve')} starts it and {html_tag('code', 'controlsurface doctor')} looks "
        "for the reason. This page comes back by itself.",
    )
    rerun_every(RETRY_INTERVAL, when=lambda: _succeeds(try_again))
    st.stop()


def rerun_every(every: timedelta, when: Callable[[], bool]) -> None:
    """Draw the whole page anew, `every` so often, `when` that makes sense; never at once, for that would be a loop."""
    mark_drawn()

    @st.fragment(run_every=every)
    def watch() -> None:
        if time.monotonic() - st.session_state[DRAWN_KEY] > every.total_seconds() / 2 and when():
            st.rerun()

    watch()


def mark_drawn() -> None:
    """A page that takes longer to draw than it waits is looked at in between, not drawn for ever."""
    st.session_state[DRAWN_KEY] = time.monotonic()


def _succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except ControlSurfaceError:
        return False
    return True
