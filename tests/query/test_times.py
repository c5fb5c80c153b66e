"""Times are read as people write them, and written so that they are read the same."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client.queries.request_list import RequestsArgs
from controlsurface.errors import BadRequest
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.query.arguments import FilteredRange

moments = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-09T12:00:00Z", datetime(2026, 1, 9, 12, tzinfo=UTC)),
        ("2026-01-09t12:00:00z", datetime(2026, 1, 9, 12, tzinfo=UTC)),
        ("2026-01-09T12:00:00.123456789Z", datetime(2026, 1, 9, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-01-09T12:00:00+05:30", datetime(2026, 1, 9, 6, 30, tzinfo=UTC)),
        ("2026-01-09T12:00:00 05:30", datetime(2026, 1, 9, 6, 30, tzinfo=UTC)),
        ("2026-01-09", datetime(2026, 1, 9, tzinfo=UTC)),
        (datetime(2026, 1, 9), datetime(2026, 1, 9, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(2026, 1, 9, tzinfo=timezone(timedelta(hours=1))), datetime(2026, 1, 8, 23, tzinfo=UTC)),
    ],
)
def test_a_time_is_a_moment_in_utc(text: Any, moment: datetime) -> None:
    assert FilteredRange(start=text).start == moment


def test_a_relative_time_counts_back_from_now() -> None:
    back = FilteredRange(start="-36h").start
    assert back is not None
    assert abs(datetime.now(UTC) - timedelta(hours=36) - back) < timedelta(seconds=10)


@pytest.mark.parametrize(
    "text",
    [
        "24h",
        "-1y",
        "-99999999d",
        "2026-13-01",
        "2026-01-01T24:61:00Z",
        "1767225600",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "\u0662\u0660\u0662\u0666-01-01",
        "-\u0661h",
        "2026-W01-1",
        "nan",
        "\x00",
    ],
)
def test_a_text_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="start: "):
        FilteredRange(start=text)


@given(
    st.builds(
        MetricArgs,
        metric=st.just("cost"),
        start=moments,
        where=st.lists(st.text().map("lane:{}".format), max_size=3),
        by=st.lists(st.sampled_from(["lane", "model"]), unique=True),
        every=st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=400)),
    )
)
def test_query_arguments_survive_the_way_through_an_address(args: MetricArgs) -> None:
    pairs = args.pairs()
    given: dict[str, Any] = {name: [v for n, v in pairs if n == name] for name in ("by", "where")}
    single = {name: value for name, value in pairs if name not in given}
    assert MetricArgs(**given, **single) == args


def test_flags_and_numbers_survive_the_way_through_an_address_too() -> None:
    args = RequestsArgs(failed=False, escalated=True, cost_usd_min=1e-9, limit=7)
    assert RequestsArgs(**dict(args.pairs())) == args
