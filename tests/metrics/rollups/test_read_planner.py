"""How a window is divided between a roll-up and stored rows: each moment once."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from controlsurface.metrics.rollups.measure_source import ReadPlan, ReadRange
from controlsurface.metrics.rollups.read_planner import MAX_HOLES, divide_window
from controlsurface.metrics.rollups.rollup_catalog import ROLLUPS

HOURLY = ROLLUPS["requests_flow_1h"]
DAY = datetime(2026, 1, 5, tzinfo=UTC)
minutes = st.integers(0, 5000).map(lambda number: DAY + timedelta(minutes=number))
hours = st.lists(st.integers(0, 90).map(lambda number: DAY + timedelta(hours=number)), max_size=40)


def readers(plan: ReadPlan, at: datetime) -> list[str]:
    def inside(each: ReadRange) -> bool:
        return (each.start is None or each.start <= at) and (each.end is None or at < each.end)

    rolled = plan.rolled is not None and inside(plan.rolled) and not any(map(inside, plan.holes))
    return ["rolled"] * rolled + ["raw" for each in plan.raw if inside(each)]


@given(st.none() | minutes, st.none() | minutes, hours)
def test_each_moment_of_a_window_is_read_once_and_no_marked_bucket_is_trusted(
    start: datetime | None, end: datetime | None, marked: list[datetime]
) -> None:
    plan = divide_window(ReadRange(start, end), HOURLY, marked)
    for minute in range(-60, 5100, 20) if plan else ():
        at = DAY + timedelta(minutes=minute)
        wanted = (start is None or at >= start) and (end is None or at < end)
        found = readers(plan or ReadPlan(()), at)
        assert len(found) == wanted
        assert "rolled" not in found or at.replace(minute=0) not in marked


@given(hours)
def test_a_read_plan_has_few_ranges_however_many_buckets_are_marked(marked: list[datetime]) -> None:
    plan = divide_window(ReadRange(None, None), HOURLY, marked)
    assert plan
    assert len(plan.raw) <= MAX_HOLES


def test_a_window_shorter_than_a_bucket_is_not_read_from_it() -> None:
    assert divide_window(ReadRange(DAY + timedelta(minutes=5), DAY + timedelta(minutes=110)), HOURLY, []) is None
