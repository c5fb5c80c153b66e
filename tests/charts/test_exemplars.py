"""Exemplars lie on the line that they belong to, inside the chart, in a colour of their own, and are links."""

from datetime import UTC, datetime, timedelta

import polars as pl

from controlsurface import charts

NOW = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPAN = charts.TimeSpan(NOW, NOW + 6 * HOUR, HOUR)
ROWS = pl.DataFrame({"bucket": [NOW + h * HOUR for h in range(6)], "value": [0.1 * h for h in range(6)], "n": [90] * 6})


def drawn(*exemplars: charts.Exemplar) -> list[dict[str, object]]:
    figure = charts.marked_windows(
        ROWS, SPAN, charts.DARK, unit="ratio", name="x", selection=None, baseline=(NOW, NOW + HOUR)
    )
    return list(charts.with_exemplars(figure, ROWS, exemplars, charts.DARK, "ratio").layout["annotations"])


def test_an_exemplar_lies_on_the_line_at_its_time() -> None:
    (dot,) = drawn(charts.Exemplar(NOW + 2.5 * HOUR, "traces?request=a", "chat"))
    assert dot["x"] == (NOW + 2.5 * HOUR).timestamp() * 1000
    assert dot["y"] == 0.2


def test_exemplars_outside_of_the_chart_are_left_out() -> None:
    """They were drawn beyond its edges (grafana/traces-drilldown 390, grafana/grafana 79756)."""
    assert drawn(*(charts.Exemplar(NOW + hours * HOUR, "traces", "") for hours in (-1, 6.5, 900))) == []


def test_an_exemplar_is_told_from_its_line_by_colour() -> None:
    """They had the hue of the chart that they lay on (grafana/traces-drilldown 383)."""
    (dot,) = drawn(charts.Exemplar(NOW, "traces", ""))
    assert charts.DARK.changed in str(dot["text"])
    assert charts.DARK.changed != charts.DARK.accent


def test_an_exemplar_of_a_hostile_name_is_text() -> None:
    (dot,) = drawn(charts.Exemplar(NOW, 'traces?x="><script>', "<img src=x>"))
    assert "<script" not in str(dot["text"])
    assert "<img" not in str(dot["hovertext"])
