"""A bordered panel: a title, a chart and what is drawn in it, and the SQL behind it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

import streamlit as st
from plotly.basedatatypes import BaseFigure

from controlsurface import charts
from controlsurface.charts import ChartFigure
from controlsurface.ui.data import collector_queries
from controlsurface.ui.data.collector_queries import ExecutedQuery
from controlsurface.ui.elements import states, time_zone
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text
from controlsurface.ui.widgets.data_table import csv_button

SelectionBox = tuple[datetime, datetime, float, float]  # from and to when, its lower and upper edge
CHART_CONFIG = {"displayModeBar": False, "displaylogo": False, "showTips": False, "doubleClick": "reset"}


class StreamlitFigure(BaseFigure):  # type: ignore[misc]
    """A figure as Streamlit takes it: it asks plotly's figures for their values, and has all others checked first.

    Being a BaseFigure is what Streamlit and plotly's JSON writer go by; of its insides nothing is used, or made.
    """

    def __init__(self, figure: ChartFigure) -> None:
        self._figure = time_zone.in_display_zone(figure)

    def to_dict(self) -> dict[str, Any]:
        """The values."""
        return self._figure.packed()


def selected_box(event: Any) -> SelectionBox | None:
    """The box of a selection event; None without one."""
    boxes = event["selection"]["box"]
    if not boxes:
        return None
    start, end = map(time_zone.from_axis, sorted(boxes[0]["x"]))
    lower, upper = sorted(float(edge) for edge in boxes[0]["y"])
    return start, end, lower, upper


@contextmanager
def panel(title: str, note: str = "") -> Iterator[None]:
    """What is drawn inside gets a border, the title, a quiet note, and a button that shows its SQL."""
    with st.container(border=True, height="stretch", gap=None), collector_queries.record_queries() as statements:
        head = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
        with head:
            st.html(
                html_tag("h2", html_text(title), html_tag("small", html_text(note)) if note else "", class_="cs-title")
            )
        yield
        with head:
            _sql(f"{title} {note}", statements)


def chart(figure: charts.ChartFigure, alt: str) -> None:
    """A figure in its own colours, in which nothing can be drawn; `alt` says in a sentence what it shows."""
    if charts.is_blank(figure):
        states.unknown_value_state()
        return
    st.plotly_chart(StreamlitFigure(figure.having(dragmode=False)), theme=None, config=CHART_CONFIG, alt=alt)


def box_chart(figure: charts.ChartFigure, key: str, alt: str) -> SelectionBox | None:
    """A time chart in which a box can be drawn, and the box that is in it now; None without one."""
    event: Any = st.plotly_chart(
        StreamlitFigure(figure),
        theme=None,
        config=CHART_CONFIG,
        alt=alt,
        key=key,
        on_select="rerun",
        selection_mode="box",
    )
    return selected_box(event)


def box_chart_with_callback(
    figure: charts.ChartFigure, key: str, alt: str, act: Callable[[SelectionBox], None]
) -> None:
    """A time chart in which a box can be drawn; `act` is called once for each that is, before the page is drawn anew.

    What the box leads to has to be part of `key`: a chart that comes back would come with its last box in it.
    """
    if charts.is_blank(figure):
        states.unknown_value_state()
        return
    st.plotly_chart(
        StreamlitFigure(figure),
        theme=None,
        config=CHART_CONFIG,
        alt=alt,
        key=key,
        on_select=partial(_act, key, act),
        selection_mode="box",
    )


def _act(key: str, act: Callable[[SelectionBox], None]) -> None:
    event: Any = st.session_state[key]
    found = selected_box(event)
    if found:
        act(found)


def _sql(name: str, statements: Sequence[ExecutedQuery]) -> None:
    """A button for what is behind a panel; it is drawn once the button is pressed."""
    if not statements:
        return
    popover = st.popover("SQL", type="tertiary", key=f"sql {name}", on_change="rerun", help="The SQL and its rows")
    if popover.open:
        with popover:
            for number, each in enumerate(statements):
                _statement(each, f"{name} {number}")


def _statement(asked: ExecutedQuery, key: str) -> None:
    """A statement with its parameters, its time, and its rows as a file."""
    st.caption(
        f"{escape_markdown(asked.about)} · {asked.elapsed_ms:.0f} ms · {escape_markdown(asked.source)} · "
        f"{asked.rows.height:,} rows"
    )
    st.code(asked.sql, language="sql")
    st.json(dict(asked.parameters), expanded=False)
    csv_button(asked.rows, asked.about.partition(",")[0], key)
