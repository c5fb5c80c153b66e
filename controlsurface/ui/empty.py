"""What a page shows of a window without requests: where the requests lie, and what to do about it."""

from typing import NoReturn

import streamlit as st

from controlsurface.reader.extent import Extent, stored
from controlsurface.reader.rows import records
from controlsurface.ui import reading, states
from controlsurface.ui.markup import tag, text


def nothing_yet(title: str = "No requests in this window") -> NoReturn:
    """The state of an empty window, with the three usual ways out; ends the run."""
    states.state(
        title,
        text(_lies()),
        "Choose a longer time range or fewer filters on the left.",
        "Nothing was ever sent? Point a router's OTLP exporter at this collector, "
        f"{tag('code', 'OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318')}, or look at simulated traffic with "
        f"{tag('code', 'controlsurface demo')}.",
    )
    st.stop()


def _lies() -> str:
    """When the stored requests began, as a sentence."""
    found = reading.answer(lambda: stored(records(reading.reader().ask(Extent()).rows)[0]))
    return f"{found[:1].upper()}{found[1:]}."
