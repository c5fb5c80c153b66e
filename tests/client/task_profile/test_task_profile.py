"""The task profile: versions that people write, what traffic tells beside them, documents that can be read back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.advice import AdviceQuery
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.event_list import EventsQuery
from controlsurface.client.task_profile.profile_command import SetTaskProfileCommand
from controlsurface.client.task_profile.profile_entry import STATED_FIELDS, TaskProfileChange, TaskProfileEntry
from controlsurface.client.task_profile.profile_queries import (
    TaskProfileHistoryQuery,
    TaskProfileQuery,
)
from controlsurface.errors import BadRequest, Conflict
from controlsurface.export.task_profile_document import (
    DOCUMENT_FIELDS,
    changed_entries,
    markdown_table,
    read_profiles,
    stated_csv,
    stated_rows,
)
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.query.arguments import WeekRange
from controlsurface.store.duckdb import DuckStore
from tests.client.test_advice import END, Row, requests
from tests.stores import put

WEEK = WeekRange(start=END - timedelta(days=7), end=END)


@pytest.fixture
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    yield made
    made.close()


@pytest.fixture
def client(store: DuckStore) -> LocalClient:
    return LocalClient(store)


def describe(client: LocalClient, *entries: dict[str, Any], why: str = "") -> None:
    change = TaskProfileChange(profiles=tuple(map(TaskProfileEntry.model_validate, entries)), who="ann", why=why)
    client.execute(SetTaskProfileCommand(change))


def profiles(client: LocalClient) -> dict[str, Row]:
    return {row["task_type"]: row for row in as_dicts(client.run(TaskProfileQuery(WEEK)).rows)}


def test_what_nobody_said_of_a_task_type_is_filled_from_traffic_and_marked(
    client: LocalClient, store: DuckStore
) -> None:
    traffic = requests(
        100,
        task_type="sql",
        lane=lambda i: "large" if i % 4 == 0 else "small",
        selected_lane="small",
        escalated=lambda i: i % 4 == 0,
        escalation_reason=lambda i: "low_confidence" if i % 4 == 0 else None,
        confidence_kind="score",
        input_tokens=lambda i: i + 1,
    )
    put(store, traffic)
    row = profiles(client)["sql"]
    assert row["from_traffic"] == ["tier", "routing_signal", "escalation_trigger"]
    assert (row["tier"], row["routing_signal"], row["escalation_trigger"]) == ("small", "score", "low_confidence")
    assert (row["version"], row["blast_radius"], row["n"], row["escalation_rate"]) == (0, None, 100, 0.25)
    assert (row["input_p50"], row["input_p95"], row["output_p50"]) == (50.5, pytest.approx(95.05), None)


def test_what_people_said_of_a_task_type_holds_against_its_traffic(client: LocalClient, store: DuckStore) -> None:
    put(store, requests(10, task_type="sql", lane="small"))
    describe(client, {"task_type": "sql", "tier": "large", "blast_radius": "high"})
    row = profiles(client)["sql"]
    assert (row["tier"], row["from_traffic"], row["who"], row["version"]) == ("large", [], "ann", 1)


def test_a_task_type_without_traffic_stays_in_the_profile_until_it_is_removed(client: LocalClient) -> None:
    describe(client, {"task_type": "rare", "owner": "bo"})
    assert (profiles(client)["rare"]["n"], profiles(client)["rare"]["owner"]) == (0, "bo")
    describe(client, {"task_type": "rare", "removed": True})
    assert profiles(client) == {}
    history = as_dicts(client.run(TaskProfileHistoryQuery()).rows)
    assert [(row["version"], row["removed"], row["owner"]) for row in history] == [(2, True, None), (1, False, "bo")]


def test_a_change_of_the_task_profile_is_an_event_and_leaves_thresholds_as_old_as_they_are(client: LocalClient) -> None:
    describe(client, {"task_type": "a"}, {"task_type": "b"}, why="reviewed")
    now = datetime.now(UTC)
    around = EventsArgs(start=now - timedelta(hours=1), end=now + timedelta(hours=1))
    (event,) = as_dicts(client.run(EventsQuery(around)).rows)
    assert (event["kind"], event["title"], event["detail"]) == ("other", "task profile: a, b", "reviewed")


def test_a_task_profile_that_rests_on_an_old_version_is_refused_and_nothing_of_it_kept(client: LocalClient) -> None:
    describe(client, {"task_type": "a", "owner": "bo"})
    with pytest.raises(Conflict, match="'a' is at version 1, not 0"):
        describe(client, {"task_type": "b"}, {"task_type": "a", "owner": "cy", "rests_on": 0})
    assert {name: row["owner"] for name, row in profiles(client).items()} == {"a": "bo"}


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ([{"task_type": "a", "tier": "smal"}], "profiles.a.tier: no lane named 'smal'; did you mean 'small'"),
        ([{"task_type": "a"}, {"task_type": "a"}], "'a' stands twice"),
    ],
)
def test_a_task_profile_that_cannot_be_is_refused_with_its_place(
    client: LocalClient, entries: list[dict[str, Any]], problem: str
) -> None:
    with pytest.raises(BadRequest, match=problem):
        describe(client, *entries)


def rules(client: LocalClient) -> list[str]:
    rows = client.run(AdviceQuery(WEEK)).rows.to_pylist()
    return [row["title"] for row in rows if row["rule"] == "blast_radius"]


@pytest.mark.parametrize(
    ("radius", "call", "expected"),
    [
        ("high", None, ["extraction: high blast radius, no gate, no audit"]),
        ("high", {"gate": "pass"}, []),
        ("high", {"purpose": "shadow"}, []),
        ("medium", None, []),
    ],
)
def test_a_high_blast_radius_that_nothing_checks_is_advice(
    client: LocalClient, store: DuckStore, radius: str, call: Row | None, expected: list[str]
) -> None:
    put(store, requests(100, task_type="extraction"))
    if call:
        put(store, requests(1, task_type="extraction", **call), "attempts")
    describe(client, {"task_type": "extraction", "blast_radius": radius})
    assert rules(client) == expected


def test_a_high_blast_radius_of_few_requests_is_no_advice_yet(client: LocalClient, store: DuckStore) -> None:
    put(store, requests(29, task_type="extraction"))
    describe(client, {"task_type": "extraction", "blast_radius": "high"})
    assert rules(client) == []


text = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=20).filter(
    str.strip
)
entries: st.SearchStrategy[Row] = st.builds(
    dict,
    task_type=st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=20),
    blast_radius=st.sampled_from([None, "low", "medium", "high"]),
    **dict.fromkeys(("output", "tier", "routing_signal", "escalation_trigger", "owner"), text),
)


# apache/rocketmq-dashboard 2756: what a spreadsheet would run comes back with a quote more, or one less.
@example([dict.fromkeys(STATED_FIELDS) | {"task_type": "=1+1", "owner": "'=A1", "output": "- a list"}])
@given(st.lists(entries, min_size=1, max_size=5, unique_by=lambda each: each["task_type"]))
def test_a_task_profile_that_is_written_as_csv_and_read_again_is_the_same(rows: list[Row]) -> None:
    again = read_profiles(stated_csv(rows), "f.csv")
    assert [each.model_dump(include={*DOCUMENT_FIELDS}) for each in again] == stated_rows(rows)
    assert changed_entries(again, rows) == []


def test_what_traffic_tells_is_no_word_of_people_in_an_exported_task_profile() -> None:
    row = dict.fromkeys(STATED_FIELDS) | {"task_type": "a", "tier": "small", "from_traffic": ["tier"]}
    assert stated_rows([row]) == [dict.fromkeys(STATED_FIELDS) | {"task_type": "a"}]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no rows; the columns are task_type"),
        (b"task_type,ownr\na,b\n", "f: row 1: no column named 'ownr'; did you mean 'owner'"),
        (b"task_type,owner\na,b,c\n", "f: row 1: more cells than columns"),
        (b"task_type,blast_radius\na,huge\n", "f: row 1: .*blast_radius"),
        (b"owner\nbo\n", "f: row 1: .*task_type"),
        (b"[1]", "f: row 1: no object"),
        (b"[", "f: no JSON"),
        (b"\xff\xfe", "f: no UTF-8"),
    ],
)
def test_a_document_that_is_no_task_profile_is_refused_with_its_row(content: bytes, problem: str) -> None:
    with pytest.raises(BadRequest, match=problem):
        read_profiles(content, "f")


def test_a_task_profile_in_markdown_marks_what_nobody_said_and_keeps_its_cells(
    client: LocalClient, store: DuckStore
) -> None:
    put(store, requests(10, task_type="a|b\n<c>", lane="small"))
    _, _, line = markdown_table(list(profiles(client).values())).splitlines()
    assert line.startswith(r"| a\|b &lt;c> | 10 | unknown, unknown | not said |")
    assert "| small (from traffic) |" in line
