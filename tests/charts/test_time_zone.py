"""A chart in another zone: everything on its time axis moves by the offset, and nothing else does.

Grafana drew annotations in UTC over a chart in local time (grafana/grafana 39024); a box drawn in local time selected
other hours (grafana/grafana 13769).
"""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.charts import ChartFigure, EventMark, shift_time_axis
from controlsurface.charts.palette import DARK
from controlsurface.charts.time_series import TimeSpan, event_markers, time_axis

START = datetime(2026, 10, 25, tzinfo=UTC)  # Europe's clocks go back
SPAN = TimeSpan(START, START + timedelta(hours=6), timedelta(minutes=10))


def _figure() -> ChartFigure:
    marks, words = event_markers([EventMark(START + timedelta(hours=1), "deploy")], SPAN, DARK)
    name = {"x": 1, "xref": "paper", "text": "small"}
    data = ({"x": SPAN.times, "y": [1]}, {**SPAN.regular, "y": [2]})
    return ChartFigure(data, {"xaxis": time_axis(SPAN), "shapes": marks, "annotations": [*words, name]})


@given(st.integers(-14 * 4, 14 * 4))
def test_marks_lines_and_the_axis_move_together_and_what_is_placed_by_the_paper_stays(quarters: int) -> None:
    offset, before = timedelta(minutes=15 * quarters), _figure()
    after, ms = shift_time_axis(before, offset, "UTC+X"), 15 * 60_000 * quarters
    assert after.layout["xaxis"]["range"] == [each + ms for each in before.layout["xaxis"]["range"]]
    assert np.array_equal(after.data[0]["x"], before.data[0]["x"] + ms)
    assert after.data[1]["x0"] == before.data[1]["x0"] + ms
    assert after.layout["shapes"][0]["x0"] == before.layout["shapes"][0]["x0"] + ms
    assert [each["x"] for each in after.layout["annotations"]] == [before.layout["annotations"][0]["x"] + ms, 1]
    assert ("UTC+X" in after.layout["xaxis"]["hoverformat"]) == bool(ms)


def test_a_chart_without_a_time_axis_stays_as_it_is() -> None:
    figure = ChartFigure(({"x": [1, 2], "y": [1]},), {"xaxis": {"type": "log"}})
    assert shift_time_axis(figure, timedelta(hours=1), "UTC+01:00") is figure
