"""A zoom in the address is the window of the page, and leads to what is different in it."""

from datetime import UTC, datetime, timedelta

import pytest

from controlsurface.ui.view import parse_url_time, url_minutes
from tests.ui.conftest import Open
from tests.ui.test_pages import html

AT = datetime(2026, 1, 5, 10, 0, 30, tzinfo=UTC)


def test_a_zoom_is_the_window_and_leads_to_triage(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, range="7d", zoom="2026-01-05T10:00/2026-01-05T12:30")
    view = app.session_state["_view"]
    assert (view.start.hour, view.end - view.start) == (10, timedelta(hours=2.5))
    assert "triage?range=7d&amp;metric=escalation_rate&amp;spike_from=2026-01-05T10%3A00" in html(app)


def test_a_zoom_out_shows_the_range_again(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, range="7d", zoom="2026-01-05T10:00/2026-01-05T12:30")
    next(button for button in app.button if button.label == "Zoom out").click().run()
    assert "zoom" not in app.query_params
    assert app.session_state["_view"].end - app.session_state["_view"].start >= timedelta(days=7)


@pytest.mark.parametrize("zoom", ["soon/later", "2026-01-05T10:00/2026-01-05T10:00", "\0"])
def test_an_invalid_zoom_is_ignored(opened: Open, seeded_url: str, zoom: str) -> None:
    app = opened(seeded_url, range="7d", zoom=zoom)
    assert not app.exception
    assert app.session_state["_view"].end - app.session_state["_view"].start >= timedelta(days=7)


@pytest.mark.parametrize("seconds", [1, 29, 30, 31, 3600])
def test_the_url_minutes_of_a_zoom_hold_what_was_drawn(seconds: int) -> None:
    start, end = map(parse_url_time, url_minutes(AT, AT + timedelta(seconds=seconds)))
    assert start
    assert end
    assert start <= AT < AT + timedelta(seconds=seconds) <= end
    assert end - start < timedelta(seconds=seconds + 120)
