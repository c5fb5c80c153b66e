"""The window of a view: shared between sessions, aligned with the store's buckets, comparable with last week's."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.charts.time_series import BUCKET_ORIGIN
from controlsurface.ui.view import MAX_BUCKETS, MIN_POINTS, TIME_RANGES, absolute_view, relative_view

MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis adds it


@given(now=MOMENTS, name=st.sampled_from(list(TIME_RANGES)))
def test_a_running_window_holds_the_whole_range_until_now(now: datetime, name: str) -> None:
    view = relative_view(name, now)
    length, step = TIME_RANGES[name]
    assert now < view.end <= now + view.refresh
    assert length <= view.end - view.start < length + step
    assert (view.start - BUCKET_ORIGIN) % step == timedelta(0)


@given(now=MOMENTS, name=st.sampled_from(list(TIME_RANGES)))
def test_the_window_of_last_week_has_the_same_buckets(now: datetime, name: str) -> None:
    view = relative_view(name, now)
    assert (view.span.times - view.week_before.span.times == 7 * 86_400_000).all()


@pytest.mark.parametrize(("name", "seconds"), [("1h", 10), ("24h", 10), ("3d", 60), ("28d", 60)])
def test_sessions_within_a_refresh_have_the_same_view(name: str, seconds: int) -> None:
    now = datetime(2026, 1, 9, 12, 0, 1, tzinfo=UTC)
    assert relative_view(name, now) == relative_view(name, now + timedelta(seconds=seconds - 2))
    assert relative_view(name, now) != relative_view(name, now + timedelta(seconds=seconds))
    assert relative_view(name, now).refresh == timedelta(seconds=seconds)


@given(one=MOMENTS, other=MOMENTS)
def test_a_fixed_window_goes_forward_in_a_few_buckets(one: datetime, other: datetime) -> None:
    view = absolute_view(one, other)
    assert view.start < view.end
    assert (view.end - view.start) / view.step <= max(MAX_BUCKETS, (view.end - view.start) / timedelta(weeks=1))


@pytest.mark.parametrize("rows", [0, 10, 1000, 10**6])
def test_a_view_of_few_rows_has_long_steps_but_never_too_few_points(rows: int) -> None:
    view = relative_view("7d", datetime(2026, 1, 9, tzinfo=UTC))
    steady = view.coarsened_for(rows)
    assert steady.step >= view.step
    assert (steady.end - steady.start) / steady.step >= MIN_POINTS


def test_a_filter_can_be_added_to_a_view() -> None:
    view = relative_view("1h", datetime(2026, 1, 9, tzinfo=UTC), ("lane:large",))
    assert view.only("task_type", "code", None).where == ("lane:large", "task_type:code", "task_type:")
