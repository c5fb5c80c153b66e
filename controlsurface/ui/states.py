"""What a page shows when it has nothing to show: why, and what to do about it."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn

import streamlit as st

from controlsurface.charts.over_time import FEW
from controlsurface.errors import ControlSurfaceError, Unreachable
from controlsurface.ui.markup import tag, text
from controlsurface.ui.window import ENOUGH

RETRY = timedelta(seconds=2)
DRAWN = "_drawn"  # when this run began, in the session


def state(title: str, *paragraphs: str) -> None:
    """A bordered note; paragraphs are HTML."""
    st.html(
        tag("div", tag("h3", text(title)), *(tag("p", each) for each in paragraphs), class_="cs-state", role="status")
    )


def stopped(title: str, advice: str) -> NoReturn:
    """A note, and the end of this run."""
    state(title, text(advice))
    st.stop()


def unknown() -> None:
    """The state of a chart without a single known value: an empty one would look like zero."""
    state(
        "Nothing to draw",
        f"No request says it, or no step has {FEW} that do: a longer time range may help.",
        "The Data page has a table of what spans fill, with the line to add for what they do not.",
    )


def unreachable(problem: Unreachable, try_again: Callable[[], object]) -> NoReturn:
    """The state without a collector; tries again every RETRY and shows the page as soon as one answers."""
    state(
        "The collector does not answer",
        f"{tag('code', text(problem))} Nothing is lost: senders keep what was not answered.",
        f"{tag('code', 'controlsurface serve')} starts it and {tag('code', 'controlsurface doctor')} looks for the "
        "reason. This page comes back by itself.",
    )
    again(RETRY, when=lambda: _succeeds(try_again))
    st.stop()


def again(every: timedelta, when: Callable[[], bool]) -> None:
    """Draw the whole page anew, `every` so often, `when` that makes sense; never at once, for that would be a loop."""
    st.session_state[DRAWN] = time.monotonic()

    @st.fragment(run_every=every)
    def watch() -> None:
        if time.monotonic() - st.session_state[DRAWN] > every.total_seconds() / 2 and when():
            st.rerun()

    watch()


def _succeeds(call: Callable[[], object]) -> bool:
    try:
        call()
    except ControlSurfaceError:
        return False
    return True


def few(n: int) -> bool:
    """Whether a share of `n` rows is too few to be shown."""
    return n < ENOUGH
