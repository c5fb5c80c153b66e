"""Series on their grid: nothing lost, gaps shown as gaps, one colour for one lane everywhere."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface import charts
from controlsurface.charts.line_annotations import LABEL_HEIGHT_PX, spread
from tests.charts.plotly_validation import checked

START = datetime(2026, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = charts.TimeSpan(START, START + 24 * HOUR, HOUR)


def rows(**series: Mapping[int, float]) -> pl.DataFrame:
    """Rows of lane, bucket (an hour of the day), value, n."""
    found = [(lane, START + at * HOUR, value, 100) for lane, course in series.items() for at, value in course.items()]
    schema: dict[str, Any] = {"lane": pl.String, "bucket": pl.Datetime("us", "UTC"), "value": pl.Float64, "n": pl.Int64}
    return pl.DataFrame(found, schema, orient="row")


@given(st.dictionaries(st.integers(0, 23), st.floats(0, 1, width=32)))
def test_every_bucket_is_at_its_place_and_only_there(course: dict[int, float]) -> None:
    (grid,) = DAY.grids(rows(small=course), ["small"], "lane", value=np.nan)
    assert {at: value for at, value in enumerate(grid[0].tolist()) if not np.isnan(value)} == course


def test_buckets_are_aligned_as_the_store_aligns_them() -> None:
    span = charts.TimeSpan(START + timedelta(minutes=25), START + 3 * HOUR, HOUR)
    assert span.times[0] == START.timestamp() * 1000
    assert len(span.times) == 3


def test_a_bucket_that_still_runs_is_not_complete() -> None:
    assert DAY.complete == 24
    assert charts.TimeSpan(START, START + 23.5 * HOUR, HOUR).complete == 23


def test_lanes_have_their_color_and_unknown_lanes_keep_theirs() -> None:
    figure = checked(charts.lines(rows(small={0: 1}, large={0: 1}, mine={0: 1}), DAY, charts.DARK, by="lane"))
    colours = {line.name: line.line.color for line in figure.data}
    assert (colours["small"], colours["large"]) == (charts.DARK.lanes["small"], charts.DARK.lanes["large"])
    assert colours["mine"] == charts.DARK.lane("mine")


def test_a_highlighted_line_is_drawn_on_top() -> None:
    figure = checked(
        charts.lines(rows(a={0: 1}, b={0: 1}, c={0: 1}), DAY, charts.DARK, by="lane", highlight="a", changed=True)
    )
    assert [line.name for line in figure.data] == ["b", "c", "a"]
    assert [line.line.color for line in figure.data] == [charts.DARK.rest, charts.DARK.rest, charts.DARK.changed]


def test_a_point_of_few_rows_is_a_gap() -> None:
    few = rows(small={0: 0.5, 1: 0.5}).with_columns(n=pl.Series([30, 29]))
    (line,) = checked(charts.lines(few, DAY, charts.DARK, by="lane", unit="ratio")).data
    assert line.y[0] == 0.5
    assert np.isnan(line.y[1])


def test_a_running_bucket_does_not_look_like_a_fall_in_cost() -> None:
    running = charts.TimeSpan(START, START + 2.5 * HOUR, HOUR)
    (area,) = checked(charts.stacked_areas(rows(small={0: 5, 1: 5, 2: 1}), running, charts.DARK, by="lane")).data
    assert list(area.y) == [5, 5]


def test_a_missing_sum_is_zero() -> None:
    (area,) = checked(charts.stacked_areas(rows(small={1: 5}), DAY, charts.DARK, by="lane")).data
    assert list(area.y[:3]) == [0, 5, 0]


def test_quantiles_share_a_color_and_one_place_in_the_legend() -> None:
    upper, lower = checked(charts.quantiles(rows(small={0: 900}), rows(small={0: 100}), DAY, charts.DARK)).data
    assert (upper.name, lower.name) == ("small P95", "small P50")
    assert upper.line.color == lower.line.color
    assert lower.showlegend is False
    assert upper.y[0] == pytest.approx(0.9)  # seconds


def test_an_event_is_a_line_with_its_name() -> None:
    events = [charts.EventMark(START + HOUR, "r-2.4.1")]
    figure = checked(charts.lines(rows(small={0: 1}), DAY, charts.DARK, by="lane", target=0.2, events=events))
    assert [shape.line.dash for shape in figure.layout.shapes] == ["dash", "dot"]
    assert figure.layout.annotations[0].text == "r-2.4.1"


def test_the_name_of_a_late_event_stays_inside_the_chart() -> None:
    events = [charts.EventMark(START + HOUR, "early"), charts.EventMark(START + 23 * HOUR, "late")]
    words = checked(charts.lines(rows(small={0: 1}), DAY, charts.DARK, by="lane", events=events)).layout.annotations
    assert [word.xanchor for word in words] == ["left", "right"]


def test_events_close_together_share_a_label() -> None:
    events = [charts.EventMark(START + at * HOUR, name) for at, name in ((1, "r-2"), (2, "0.65 → 0.6"), (3, "gpt-5"))]
    events.append(charts.EventMark(START + 12 * HOUR, "price"))
    layout = checked(charts.lines(rows(small={0: 1}), DAY, charts.DARK, by="lane", events=events)).layout
    assert [word.text for word in layout.annotations] == ["r-2 +2", "price"]
    assert len(layout.shapes) == 4


def test_names_in_a_chart_cannot_become_markup() -> None:
    name = "<a href='javascript:x'>"
    events = [charts.EventMark(START, name)]
    text = checked(charts.lines(rows(**{name: {0: 1}}), DAY, charts.DARK, by="lane", events=events)).to_json()
    assert "<a" not in text
    assert "\\u003ca" not in text


@pytest.mark.parametrize("palette", [charts.DARK, charts.LIGHT])
def test_a_chart_without_rows_has_no_traces(palette: charts.Palette) -> None:
    assert not checked(charts.lines(rows(), DAY, palette, by="lane")).data
    assert not checked(charts.stacked_areas(rows(), DAY, palette, by="lane")).data
    assert not checked(charts.quantiles(rows(), rows(), DAY, palette)).data


def test_a_line_has_no_dots() -> None:
    figure = checked(charts.lines(rows(small={0: 1, 2: 1, 3: 1, 5: 1}), DAY, charts.DARK, by="lane"))
    assert [line.mode for line in figure.data] == ["lines"]


def test_a_wide_bucket_is_level_over_all_of_its_time_and_says_how_long_it_is() -> None:
    wide = rows(small={0: 0.5, 1: 0.2}).with_columns(until=pl.Series([START + HOUR, START + 4 * HOUR]))
    (line,) = checked(charts.lines(wide, DAY, charts.DARK, by="lane")).data
    assert [round(float(each), 3) for each in line.y[:4]] == [0.5, 0.2, 0.2, 0.2]
    assert np.isnan(line.y[4:]).all()
    assert list(line.text[:4]) == ["", " over 3 h", " over 3 h", " over 3 h"]
    assert line.hovertemplate.endswith("%{text}")


def test_a_line_is_named_at_its_end_in_its_colour() -> None:
    figure = checked(charts.lines(rows(small={0: 1}, large={0: 1, 23: 3}), DAY, charts.DARK, by="lane"))
    assert {(word.text, word.font.color) for word in figure.layout.annotations} == {
        ("small", charts.DARK.lanes["small"]),
        ("large", charts.DARK.lanes["large"]),
    }
    assert figure.layout.showlegend is False
    assert figure.layout.margin.r > 40


def test_a_name_too_long_for_the_margin_is_cut_and_whole_in_the_hover_box() -> None:
    name = "a-task-type-that-goes-on-and-on"
    figure = checked(charts.lines(rows(**{name: {0: 1}}, b={0: 2}), DAY, charts.DARK, by="lane"))
    assert "a-task-type-th…" in {word.text for word in figure.layout.annotations}
    assert name in {line.name for line in figure.data}


def test_one_line_alone_needs_no_name() -> None:
    assert not checked(charts.lines(rows(small={0: 1}), DAY, charts.DARK, by="lane")).layout.annotations


@given(st.lists(st.floats(0, 200), max_size=15).map(sorted))
def test_names_at_line_ends_never_touch_and_stay_in_the_chart(places: list[float]) -> None:
    found = spread(places, 200)
    assert all(after - before >= LABEL_HEIGHT_PX - 1e-6 for before, after in pairwise(found))
    assert not found or (min(found) >= -1e-6 and max(found) <= 200)


def test_the_highlighted_line_has_the_band_of_its_interval_and_the_others_none() -> None:
    # fills between two lines cross the gaps of either: plotly/plotly.js#2736, plotly/plotly.py#5105
    sure = rows(a={0: 0.4, 1: 0.5, 3: 0.6}, b={0: 0.1}).with_columns(low=pl.col("value") - 0.1, high=0.9)
    figure = checked(charts.lines(sure, DAY, charts.DARK, by="lane", highlight="a"))
    (band,) = [trace for trace in figure.data if trace.fill == "toself"]
    known = [round(float(each), 3) for each in band.y if not np.isnan(each)]
    assert known == [0.9, 0.9, 0.4, 0.3, 0.9, 0.5]
    assert band.hoverinfo == "skip"


def test_every_time_chart_has_one_hover_box_sorted_by_value() -> None:
    some = rows(small={0: 1}, large={0: 2})
    drawn = [
        charts.lines(some, DAY, charts.DARK, by="lane"),
        charts.stacked_areas(some, DAY, charts.DARK, by="lane"),
        charts.quantiles(some, some, DAY, charts.DARK),
    ]
    for figure in map(checked, drawn):
        assert (figure.layout.hovermode, figure.layout.hoversort) == ("x unified", "value descending")
        assert all("n %{customdata" in line.hovertemplate for line in figure.data)
