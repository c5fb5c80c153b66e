"""What a page shows when it has nothing to show: why, and what to do about it."""

from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn

import streamlit as st

from controlsurface.errors import ControlSurfaceError
from controlsurface.ui.markup import tag, text
from controlsurface.ui.window import ENOUGH

RETRY = timedelta(seconds=2)


def state(title: str, *paragraphs: str) -> None:
    """A bordered note; paragraphs are HTML."""
    st.html(
        tag("div", tag("h3", text(title)), *(tag("p", each) for each in paragraphs), class_="cs-state", role="status")
    )


def stopped(title: str, advice: str) -> NoReturn:
    """A note, and the end of this run."""
    state(title, text(advice))
    st.stop()


def nothing_yet(title: str = "No requests in this window") -> NoReturn:
    """The state of an empty window, with the three usual ways out; ends the run."""
    state(
        title,
        "Choose a longer time range or fewer filters on the left.",
        "Nothing was ever sent? Point a router's OTLP exporter at this collector, "
        f"{tag('code', 'OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318')}, or look at simulated traffic with "
        f"{tag('code', 'controlsurface demo')}.",
    )
    st.stop()


def unreachable(url: str, try_again: Callable[[], object]) -> NoReturn:
    """The state without a collector; tries again every RETRY and shows the page as soon as one answers."""
    state(
        "The collector does not answer",
        f"It should be at {tag('code', text(url))}. Nothing is lost: senders keep what was not answered.",
        f"{tag('code', 'controlsurface serve')} starts it and {tag('code', 'controlsurface doctor')} looks for the "
        "reason. This page comes back by itself.",
    )

    @st.fragment(run_every=RETRY)
    def watch() -> None:
        try:
            try_again()
        except ControlSurfaceError:
            return
        st.rerun()

    watch()
    st.stop()


def few(n: int) -> bool:
    """Whether a share of `n` rows is too few to be shown."""
    return n < ENOUGH
