"""A bordered panel: a small title, what is in it, and the SQL behind it on demand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from controlsurface.reader.reader import QueryAnswer
from controlsurface.ui import reading
from controlsurface.ui.markup import tag, text

CHART = {"displayModeBar": False, "displaylogo": False, "showTips": False, "doubleClick": "reset"}


@contextmanager
def panel(title: str, note: str = "") -> Iterator[None]:
    """What is drawn inside gets a border, the title, a quiet note, and a button that shows its SQL."""
    before = len(reading.asked())
    with st.container(border=True, height="stretch", gap=None):
        head = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
        with head:
            st.html(tag("h3", text(title), tag("small", text(note)) if note else "", class_="cs-title"))
        yield
        with head:
            _sql(title, reading.asked()[before:])


def chart(figure: go.Figure, alt: str) -> None:
    """A figure in its own colours; `alt` says in a sentence what it shows."""
    st.plotly_chart(figure, theme=None, config=CHART, alt=alt)


def box(figure: go.Figure, key: str, alt: str) -> tuple[datetime, datetime, float, float] | None:
    """A time chart in which a box can be drawn: from and to when, and its lower and upper edge; None without one."""
    event: Any = st.plotly_chart(
        figure, theme=None, config=CHART, alt=alt, key=key, on_select="rerun", selection_mode="box"
    )
    drawn = event["selection"]["box"]
    if not drawn:
        return None
    start, end = (datetime.fromisoformat(str(edge)).replace(tzinfo=UTC) for edge in sorted(drawn[0]["x"]))
    lower, upper = sorted(float(edge) for edge in drawn[0]["y"])
    return start, end, lower, upper


def _sql(title: str, answers: list[QueryAnswer]) -> None:
    """The statements of a panel, with their parameters and times."""
    if not answers:
        return
    with st.popover("SQL", type="tertiary", help=f"The SQL behind “{title}”"):
        for each in answers:
            st.caption(f"{each.metric} · {each.elapsed_ms:.0f} ms · {each.source}")
            st.code(each.sql, language="sql")
            st.json(dict(each.parameters), expanded=False)
