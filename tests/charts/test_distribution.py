"""The heatmap and the two-lane histogram: counts add up, thresholds are drawn where they were used."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface import charts
from tests.charts.plotly_validation import checked

START = datetime(2026, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = charts.TimeSpan(START, START + 24 * HOUR, HOUR)
TIME = pl.Datetime("us", "UTC")


def bins(counts: dict[tuple[int, int], int]) -> pl.DataFrame:
    """Bins of confidence (hour, hundredths): n."""
    found = [(START + hour * HOUR, lower / 100, lower / 100 + 0.01, n) for (hour, lower), n in counts.items()]
    return pl.DataFrame(
        found, {"bucket": TIME, "lower": pl.Float64, "upper": pl.Float64, "n": pl.Float64}, orient="row"
    )


def thresholds(*levels: tuple[int, float, int]) -> pl.DataFrame:
    """Rows of hour, threshold, n."""
    found = [(START + hour * HOUR, value, n) for hour, value, n in levels]
    return pl.DataFrame(found, {"bucket": TIME, "value": pl.Float64, "n": pl.Int64}, orient="row")


@given(st.dictionaries(st.tuples(st.integers(0, 23), st.integers(0, 99)), st.integers(1, 1000)))
def test_the_confidence_heatmap_loses_no_request(counts: dict[tuple[int, int], int]) -> None:
    cells = checked(charts.confidence_heatmap(bins(counts), thresholds(), DAY, charts.DARK)).data[0]
    assert cells.customdata.sum() == sum(counts.values())
    assert cells.customdata.shape == (50, 24)


def test_the_highest_confidence_is_in_the_highest_band() -> None:
    cells = checked(charts.confidence_heatmap(bins({(5, 99): 7}), thresholds(), DAY, charts.DARK)).data[0]
    assert cells.customdata[49, 5] == 7
    assert cells.y0 + 49 * cells.dy == pytest.approx(0.99)


def test_a_heatmap_cell_without_requests_is_empty() -> None:
    cells = checked(charts.confidence_heatmap(bins({(0, 50): 4}), thresholds(), DAY, charts.DARK)).data[0]
    assert cells.z[25, 0] == 2  # the colour grows with the square root
    assert np.isnan(cells.z[0, 0])


def test_a_threshold_is_drawn_where_it_was_used() -> None:
    used = thresholds((0, 0.7, 50), (1, 0.7, 50), (2, 0.6, 50), (3, 0.6, 50))
    _, *lines = checked(charts.confidence_heatmap(bins({}), used, DAY, charts.DARK)).data
    spans = {line.y[0]: [(x - DAY.times[0]) // 3_600_000 for x in line.x] for line in lines}
    assert spans == {0.7: [0, 2], 0.6: [2, 4]}


def test_a_rare_threshold_is_left_out() -> None:
    figure = checked(charts.confidence_heatmap(bins({}), thresholds((0, 0.7, 99), (0, 0.2, 1)), DAY, charts.DARK))
    assert [word.text for word in figure.layout.annotations] == ["0.70"]


def latencies(**lanes: dict[float, int]) -> pl.DataFrame:
    found = [(lane, lower, lower * 1.05, n) for lane, course in lanes.items() for lower, n in course.items()]
    schema = {"lane": pl.String, "lower": pl.Float64, "upper": pl.Float64, "n": pl.Float64}
    return pl.DataFrame(found, schema, orient="row")


def test_each_lane_of_the_histogram_sums_to_one() -> None:
    figure = checked(charts.lane_histogram(latencies(small={100.0: 3, 200.0: 1}, large={3000.0: 1}), charts.DARK))
    assert [line.y.sum() for line in figure.data] == pytest.approx([1, 1])
    assert figure.layout.xaxis.type == "log"


def test_a_lane_of_instant_answers_has_an_empty_histogram_line() -> None:
    (line,) = checked(charts.lane_histogram(latencies(cache={0.0: 5}), charts.DARK)).data
    assert len(line.y) == 0


def test_scores_beyond_one_are_on_the_axis_where_they_lie() -> None:
    cells = checked(
        charts.confidence_heatmap(bins({(0, -15): 3, (1, 240): 5}), thresholds((0, 1.5, 8)), DAY, charts.DARK)
    ).data[0]
    assert cells.customdata.sum() == 8
    found = {round(cells.y0 + band * cells.dy, 2): n for band, n in enumerate(cells.customdata.sum(axis=1)) if n}
    low, high = sorted(found)
    assert low == pytest.approx(-0.15, abs=cells.dy)
    assert high == pytest.approx(2.4, abs=cells.dy)


def test_two_modes_of_latency_are_two_bands_with_a_gap_between() -> None:
    slow_and_fast = pl.DataFrame(
        {"bucket": [START, START, START], "lower": [100.0, 101.0, 5000.0], "n": [4.0, 1.0, 9.0]}
    ).with_columns(pl.col("bucket").cast(pl.Datetime("us", "UTC")))
    figure = checked(charts.latency_heatmap(slow_and_fast, DAY, charts.DARK))
    (cells,) = figure.data
    column = np.asarray(cells.customdata)[:, 0]
    bands = np.flatnonzero(column)
    assert column[bands].tolist() == [5, 9]
    middles = [10 ** (cells.y0 + cells.dy * band) for band in bands]
    assert middles == pytest.approx([100, 5000], rel=0.16)
    low, high = figure.layout.yaxis.range
    assert low <= 2 <= high
    assert "100 ms" in figure.layout.yaxis.ticktext


def test_a_heatmap_of_no_latency_is_empty() -> None:
    none = pl.DataFrame(schema={"bucket": pl.Datetime("us", "UTC"), "lower": pl.Float64, "n": pl.Float64})
    assert not np.asarray(checked(charts.latency_heatmap(none, DAY, charts.DARK)).data[0].customdata).any()


def test_logarithms_of_probabilities_have_an_axis_of_their_own() -> None:
    figure = checked(charts.confidence_heatmap(bins({(0, -1200): 3, (1, -40): 5}), thresholds(), DAY, charts.DARK))
    assert list(figure.layout.yaxis.range) == [-12, 0]
