"""A bordered panel: a small title, what is in it, and the SQL behind it on demand."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import streamlit as st

from controlsurface import charts
from controlsurface.ui import reading, states
from controlsurface.ui.download import csv
from controlsurface.ui.drawn import CHART, Box, Drawing, drawn
from controlsurface.ui.elements.markdown import plain
from controlsurface.ui.markup import tag, text
from controlsurface.ui.reading import Asked


@contextmanager
def panel(title: str, note: str = "") -> Iterator[None]:
    """What is drawn inside gets a border, the title, a quiet note, and a button that shows its SQL."""
    with st.container(border=True, height="stretch", gap=None), reading.noted() as statements:
        head = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
        with head:
            st.html(tag("h3", text(title), tag("small", text(note)) if note else "", class_="cs-title"))
        yield
        with head:
            _sql(f"{title} {note}", statements)


def chart(figure: charts.Figure, alt: str) -> None:
    """A figure in its own colours, in which nothing can be drawn; `alt` says in a sentence what it shows."""
    if charts.blank(figure):
        states.unknown()
        return
    st.plotly_chart(Drawing(figure.having(dragmode=False)), theme=None, config=CHART, alt=alt)


def box(figure: charts.Figure, key: str, alt: str) -> Box | None:
    """A time chart in which a box can be drawn, and the box that is in it now; None without one."""
    event: Any = st.plotly_chart(
        Drawing(figure), theme=None, config=CHART, alt=alt, key=key, on_select="rerun", selection_mode="box"
    )
    return drawn(event)


def on_box(figure: charts.Figure, key: str, alt: str, act: Callable[[Box], None]) -> None:
    """A time chart in which a box can be drawn; `act` is called once for each that is, before the page is drawn anew.

    What the box leads to has to be part of `key`: a chart that comes back would come with its last box in it.
    """
    if charts.blank(figure):
        states.unknown()
        return
    st.plotly_chart(
        Drawing(figure),
        theme=None,
        config=CHART,
        alt=alt,
        key=key,
        on_select=partial(_act, key, act),
        selection_mode="box",
    )


def _act(key: str, act: Callable[[Box], None]) -> None:
    event: Any = st.session_state[key]
    found = drawn(event)
    if found:
        act(found)


def _sql(name: str, statements: Sequence[Asked]) -> None:
    """A button for what is behind a panel; it is drawn once the button is pressed."""
    if not statements:
        return
    popover = st.popover("SQL", type="tertiary", key=f"sql {name}", on_change="rerun", help="The SQL and its rows")
    if popover.open:
        with popover:
            for number, each in enumerate(statements):
                _statement(each, f"{name} {number}")


def _statement(asked: Asked, key: str) -> None:
    """A statement with its parameters, its time, and its rows as a file."""
    st.caption(f"{plain(asked.about)} · {asked.elapsed_ms:.0f} ms · {plain(asked.source)} · {asked.rows.height:,} rows")
    st.code(asked.sql, language="sql")
    st.json(dict(asked.parameters), expanded=False)
    csv(asked.rows, asked.about.partition(",")[0], key)
