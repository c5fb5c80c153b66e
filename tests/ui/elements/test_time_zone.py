"""Times on pages are UTC or the visitor's, each with its zone; what leaves a page stays UTC.

A dashboard's zone was said nowhere, so that two people read two times off one chart (grafana/grafana 26388, 101219);
a picker showed another zone than the page (107600), or its local times were asked for as UTC (BerriAI/litellm 39979).
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.ui.elements import time_zone
from tests.ui.conftest import Open
from tests.ui.test_pages import html

UTC_TIME = re.compile(r"\d\d:\d\d(:\d\d)? UTC(?![+-])")
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis adds it
JULY = {"range": "custom", "from": "2026-07-05T22:00", "to": "2026-07-06T10:30"}


def test_a_page_in_local_time_writes_all_times_in_it_with_its_offset(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "triage.py", timezone="Asia/Kolkata", tz="Local", range="7d")
    assert "UTC+05:30" in html(app)
    assert not UTC_TIME.search(html(app))
    figure: dict[str, Any] = orjson.loads(app.get("plotly_chart")[0].proto.spec)
    end = datetime.fromtimestamp(figure["layout"]["xaxis"]["range"][1] / 1000, UTC)
    assert timedelta(hours=5, minutes=20) < end - datetime.now(UTC) < timedelta(hours=5, minutes=40)
    assert "UTC+05:30" in figure["layout"]["xaxis"]["hoverformat"]


def test_a_page_is_in_utc_where_the_browsers_zone_is_unknown(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "traces.py", timezone="Mars/Olympus", tz="Local")
    assert '"Time (UTC)"' in app.dataframe[0].proto.columns


def test_the_fields_of_a_range_are_local_and_the_window_and_the_address_are_utc(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "alerts.py", timezone="America/New_York", tz="Local", **JULY)
    start, end = app.datetime_input
    assert start.value is not None
    assert end.value is not None
    assert (start.label, start.value.isoformat()) == ("From (UTC-04:00)", "2026-07-05T18:00:00")
    assert (end.label, end.value.isoformat()) == ("To (UTC-04:00)", "2026-07-06T06:30:00")
    start.set_value(start.value + timedelta(hours=2)).run()
    assert app.session_state["_view"].start == datetime(2026, 7, 6, tzinfo=UTC)
    assert app.query_params["from"] == "2026-07-06T00:00"


def test_another_range_takes_the_edges_of_before_out_of_the_address(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "alerts.py", **JULY)
    app.segmented_control(key="range").set_value("6h").run()
    assert not {"from", "to"} & {*app.query_params}
    assert app.session_state["_view"].end > datetime.now(UTC) - timedelta(minutes=1)


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_a_moment_read_off_a_local_axis_is_the_one_that_was_drawn(moment: datetime, minutes: int) -> None:
    zone = timezone(timedelta(minutes=minutes))
    drawn = moment.astimezone(zone).replace(tzinfo=None).isoformat()
    assert time_zone.from_axis(drawn, zone) == moment


@given(MOMENTS)
def test_the_offset_of_a_zone_is_that_of_the_moment_asked_about(at: datetime) -> None:
    if at.month not in {3, 10}:
        assert time_zone.utc_offset("Europe/Paris", at) == timedelta(hours=2 if 4 <= at.month <= 9 else 1)
