"""What changed: told events are kept, and versions and models that come and go are found, but not the rare ones."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.event_list import EventsQuery, RecordEvent
from controlsurface.errors import BadRequest
from controlsurface.metrics.queries.event_query import ChangeEvent, EventsArgs
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

START = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def kept() -> Iterator[DuckStore]:
    store = DuckStore.in_memory()
    yield store
    store.close()


def titles(store: DuckStore, start: datetime = START, hours: int = 48) -> list[str]:
    found = LocalClient(store).run(EventsQuery(EventsArgs(start=start, end=start + timedelta(hours=hours)))).rows
    return [row["title"] for row in found.to_pylist()]


def traffic(store: DuckStore, **columns: Any) -> None:
    """A request a minute for two days; `columns` are functions of its number."""
    rows = [
        {"started_at": START + i * MINUTE} | {name: value(i) for name, value in columns.items()} for i in range(2880)
    ]
    put(store, rows)


def test_a_version_that_follows_another_is_one_event(kept: DuckStore) -> None:
    traffic(kept, router_version=lambda i: "v1" if i < 1000 else "v2")
    assert titles(kept) == ["v2 first seen"]


def test_a_version_that_is_rolled_back_comes_and_goes(kept: DuckStore) -> None:
    traffic(kept, router_version=lambda i: "v2" if 1000 <= i < 1600 else "v1")
    assert titles(kept) == ["v2 first seen", "v2 last seen"]


def test_a_version_whose_share_rises_is_an_event_at_that_hour(kept: DuckStore) -> None:
    traffic(kept, router_version=lambda i: "v2" if i % 10 == 0 or i >= 1200 else "v1")
    found = LocalClient(kept).run(EventsQuery(EventsArgs(start=START, end=START + timedelta(days=2)))).rows.to_pylist()
    assert [(row["title"], row["at"]) for row in found] == [("v2 10 % → 100 %", START + 1200 * MINUTE)]


def test_a_model_that_appears_is_an_event(kept: DuckStore) -> None:
    traffic(kept, answered_by=lambda i: "new-model" if i >= 2000 and i % 3 == 0 else "old-model")
    assert titles(kept) == ["new-model first seen"]


def test_a_rare_model_is_no_event(kept: DuckStore) -> None:
    traffic(kept, answered_by=lambda i: "rare" if i % 300 == 299 else "usual")
    assert titles(kept) == []


def test_the_first_requests_ever_are_no_event(kept: DuckStore) -> None:
    traffic(kept, router_version=lambda i: "v1", answered_by=lambda i: "m")
    assert titles(kept) == []


def test_a_change_outside_the_window_is_not_in_it(kept: DuckStore) -> None:
    traffic(kept, router_version=lambda i: "v1" if i < 1000 else "v2")
    assert titles(kept, START + timedelta(hours=20), 28) == []


def test_a_recorded_event_is_stored_as_given(kept: DuckStore) -> None:
    event = ChangeEvent(
        at=START + MINUTE, kind="price", title="gpt-5 dearer", detail="'; DROP TABLE events", source="me"
    )
    LocalClient(kept).execute(RecordEvent(event))
    (found,) = LocalClient(kept).run(EventsQuery(EventsArgs(start=START, end=START + 2 * MINUTE))).rows.to_pylist()
    assert found == event.model_dump()


@pytest.mark.parametrize(
    "wrong", [{"kind": "party"}, {"title": ""}, {"at": "soon"}, {"title": "x" * 1001}, {"colour": "red"}]
)
def test_an_invalid_event_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=next(iter(wrong))):
        ChangeEvent.model_validate({"at": START, "kind": "deploy", "title": "v2"} | wrong)


def test_a_window_backwards_is_refused() -> None:
    with pytest.raises(BadRequest, match="lies before start"):
        EventsArgs(start=START, end=START - MINUTE)


def test_a_threshold_that_moves_is_an_event_when_it_moves(kept: DuckStore) -> None:
    traffic(kept, task_type=lambda i: "sql", threshold=lambda i: 0.6 if i < 1025 else 0.7)
    (found,) = (
        LocalClient(kept).run(EventsQuery(EventsArgs(start=START, end=START + timedelta(days=2)))).rows.to_pylist()
    )
    assert (found["kind"], found["title"], found["at"]) == (
        "config",
        "threshold of sql 0.6 → 0.7",
        START + 1025 * MINUTE,
    )


def test_thresholds_that_move_together_are_one_event(kept: DuckStore) -> None:
    traffic(kept, task_type=lambda i: "ab"[i % 2], threshold=lambda i: [0.5, 0.6][i % 2] + (i >= 1000) * 0.05)
    (found,) = (
        LocalClient(kept).run(EventsQuery(EventsArgs(start=START, end=START + timedelta(days=2)))).rows.to_pylist()
    )
    assert found["title"] == "thresholds of 2 task types moved"
    assert found["detail"] == "a 0.5 → 0.55, b 0.6 → 0.65"


def test_a_threshold_that_differs_from_request_to_request_is_no_event(kept: DuckStore) -> None:
    traffic(kept, task_type=lambda i: "sql", threshold=lambda i: 0.5 + (i * 7919 % 100) / 1000)
    assert titles(kept) == []


def test_thresholds_that_a_new_version_brings_are_the_versions_event(kept: DuckStore) -> None:
    traffic(kept, threshold=lambda i: 0.6 + (i >= 1000) * 0.1, router_version=lambda i: f"v{1 + (i >= 1000)}")
    assert titles(kept) == ["v2 first seen"]


def test_a_model_that_takes_over_is_an_event(kept: DuckStore) -> None:
    traffic(kept, answered_by=lambda i: "large" if i % (3 if i < 1200 else 10) else "small")
    assert titles(kept) == ["large 67 % → 90 %"]


def test_another_routing_strategy_is_an_event(kept: DuckStore) -> None:
    traffic(kept, router=lambda i: "by-cost" if i < 1500 else "by-latency")
    assert titles(kept) == ["router by-latency first seen"]


@pytest.mark.parametrize(("called", "expected"), [("m-1", ["m-1 costs 1 + 6 USD"]), ("other", [])])
def test_a_price_that_follows_another_is_an_event_for_models_that_are_called(
    kept: DuckStore, called: str, expected: list[str]
) -> None:
    traffic(kept, answered_by=lambda i: called)
    columns = "model, source, valid_from, valid_to, tier_from, input_usd_per_mtok, output_usd_per_mtok, request_usd"
    before = "('e', 'm-1', 'user', NULL, DATE '2026-01-06', 0, 2, 8, 0)"
    after = "('e', 'm-1', 'user', DATE '2026-01-06', NULL, 0, 1, 6, 0)"
    with kept.writing() as writing:
        writing.execute("INSERT INTO price_editions VALUES ('e', now()::TIMESTAMP, TRUE, TRUE, '', '{}')")
        writing.execute(f"INSERT INTO prices (edition, {columns}) VALUES {before}, {after}")
    assert titles(kept) == expected


def cascade(store: DuckStore, answers_from: int, called_from: int = 0) -> None:
    """A request a minute for two days: a small model is called, and from some request on every third is its answer."""
    small = [called_from <= i and answers_from <= i and i % 3 == 0 for i in range(2880)]
    put(
        store,
        [{"started_at": START + i * MINUTE, "answered_by": "small" if own else "large"} for i, own in enumerate(small)],
    )
    calls = [
        {"started_at": START + i * MINUTE, "model": model, "purpose": "user"}
        for i, own in enumerate(small)
        for model in ("small", "large")[i < called_from : 1 if own else 2]
    ]
    put(store, calls, "attempts")


def test_a_model_of_a_cascade_is_seen_when_it_is_called_and_not_when_it_first_answers(kept: DuckStore) -> None:
    cascade(kept, answers_from=15)
    assert titles(kept) == []


def test_a_model_that_is_called_later_is_first_seen_with_its_first_call(kept: DuckStore) -> None:
    cascade(kept, called_from=1000, answers_from=1030)
    (found,) = (
        LocalClient(kept).run(EventsQuery(EventsArgs(start=START, end=START + timedelta(days=2)))).rows.to_pylist()
    )
    assert (found["title"], found["at"]) == ("small first seen", START + 1000 * MINUTE)


def test_a_model_that_only_failed_until_now_was_called_before(kept: DuckStore) -> None:
    # BerriAI/litellm, issue 13486: the primary fails and the fallback answers, until the primary is mended
    cascade(kept, answers_from=1500)
    assert titles(kept) == ["small 0 % → 33 %"]


def test_a_model_that_others_are_checked_with_is_no_event_of_a_router(kept: DuckStore) -> None:
    traffic(kept, answered_by=lambda i: "large")
    put(
        kept,
        [{"started_at": START + i * MINUTE, "model": "judge", "purpose": "judge"} for i in range(1000, 2880)],
        "attempts",
    )
    assert titles(kept) == []


def test_calls_for_another_purpose_of_the_request_are_an_event_when_they_begin(kept: DuckStore) -> None:
    # BerriAI/litellm 1.104 compacts long contexts by default: an upgrade brings one more billed call a request
    traffic(kept, answered_by=lambda i: "large")
    calls = [{"started_at": START + i * MINUTE, "model": "large", "purpose": "user"} for i in range(2880)]
    calls += [{"started_at": START + i * MINUTE, "model": "tiny", "purpose": "compaction"} for i in range(1500, 2880)]
    put(kept, calls, "attempts")
    (found,) = (
        LocalClient(kept).run(EventsQuery(EventsArgs(start=START, end=START + timedelta(days=2)))).rows.to_pylist()
    )
    expected = ("config", "calls for compaction first seen", START + 1500 * MINUTE)
    assert (found["kind"], found["title"], found["at"]) == expected
