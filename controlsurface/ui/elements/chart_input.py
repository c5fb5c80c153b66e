"""What a user drew in a chart, and how charts are set up for it."""

from datetime import UTC, datetime
from typing import Any

from plotly.basedatatypes import BaseFigure

from controlsurface.charts import ChartFigure

SelectionBox = tuple[datetime, datetime, float, float]  # from and to when, its lower and upper edge
CHART_CONFIG = {"displayModeBar": False, "displaylogo": False, "showTips": False, "doubleClick": "reset"}


class StreamlitFigure(BaseFigure):  # type: ignore[misc]
    """A figure as Streamlit takes it: it asks plotly's figures for their values, and has all others checked first.

    Being a BaseFigure is what Streamlit and plotly's JSON writer go by; of its insides nothing is used, or made.
    """

    def __init__(self, figure: ChartFigure) -> None:
        self._figure = figure

    def to_dict(self) -> dict[str, Any]:
        """The values."""
        return self._figure.packed()


def selected_box(event: Any) -> SelectionBox | None:
    """The box of a selection event; None without one."""
    boxes = event["selection"]["box"]
    if not boxes:
        return None
    start, end = (datetime.fromisoformat(str(edge)).replace(tzinfo=UTC) for edge in sorted(boxes[0]["x"]))
    lower, upper = sorted(float(edge) for edge in boxes[0]["y"])
    return start, end, lower, upper
