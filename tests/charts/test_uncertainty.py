"""Charts of what is known and how well: plotly understands all of them, and unknown is not drawn as known."""

from datetime import UTC, datetime, timedelta

import polars as pl

from controlsurface import charts
from tests.charts.plotly_validation import checked

START = datetime(2026, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
TIME = pl.Datetime("us", "UTC")


def test_a_slice_without_an_interval_is_gray() -> None:
    rows = pl.DataFrame({"task_type": ["chat", "code"], "value": [0.1, 0.4], "n": [900, 40]})
    known = rows.with_columns(low=pl.Series([0.08, None]), high=pl.Series([0.12, None]))
    (points,) = checked(charts.interval_whiskers(known, charts.DARK, by="task_type")).data
    assert list(points.marker.color) == [charts.DARK.accent, charts.DARK.rest]
    assert list(points.error_x.array) == [known["high"][0] - 0.1, 0]


def test_a_reliability_curve_stands_beside_the_ideal() -> None:
    bins = pl.DataFrame({"confidence": [0.5, 0.9], "correct": [0.4, 0.95], "low": [0.3, 0.9], "high": [0.5, 0.99]})
    ideal, points = checked(charts.reliability_curve(bins.with_columns(n=50), charts.DARK)).data
    assert (ideal.line.dash, list(points.y)) == ("dot", [0.4, 0.95])


def test_a_threshold_without_evidence_has_bounds_and_no_line() -> None:
    rows = pl.DataFrame({"threshold": [0.4, 0.6], "escalation_rate": [0.1, 0.2]}).with_columns(
        **{name: pl.lit(None, pl.Float64) for name in ("quality", "quality_low", "quality_high")},
        quality_lowest=0.2,
        quality_highest=0.9,
    )
    figure = checked(charts.threshold_curves(rows, charts.DARK, chosen=0.5, now=0.6))
    bounds, interval, quality, escalation = figure.data
    assert (len(bounds.y), len(interval.y), set(quality.y), list(escalation.y)) == (4, 0, {None}, [0.1, 0.2])
    assert [mark.line.dash for mark in figure.layout.shapes] == ["solid", "dot"]


def test_a_selection_and_its_baseline_are_shaded() -> None:
    rows = pl.DataFrame({"bucket": [START], "value": [0.2], "n": [90]}, schema_overrides={"bucket": TIME})
    windows = (START + 5 * HOUR, START + 6 * HOUR), (START, START + 5 * HOUR)
    span = charts.TimeSpan(START, START + 6 * HOUR, HOUR)
    figure = charts.marked_windows(
        rows, span, charts.DARK, unit="ratio", name="Rate", selection=windows[0], baseline=windows[1]
    )
    assert [mark.type for mark in checked(figure).layout.shapes] == ["rect", "rect"]
