"""What may be told: an event is kept and answered; everything else is refused with a problem that says why."""

from typing import Any

import pytest
import requests

from controlsurface.client import LocalClient, RemoteClient
from controlsurface.client.queries.event_list import EventsQuery, RecordEvent
from controlsurface.metrics.queries.event_query import ChangeEvent, EventsArgs
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving

EVENT = {"at": "2026-01-05T10:00:00Z", "kind": "deploy", "title": "router 2.4.1", "detail": None, "source": "ci"}
WINDOW = EventsArgs(start="2026-01-05", end="2026-01-06")


@pytest.fixture(scope="module")
def url() -> Any:
    store = DuckStore.in_memory()
    with serving(LocalClient(store)) as address:
        yield f"{address}/api/v1/events"
    store.close()


def test_an_event_is_stored_and_returned(url: str) -> None:
    told = requests.post(url, json=EVENT, timeout=30)
    listed = requests.get(url, params={"start": "2026-01-05", "end": "2026-01-06"}, timeout=30).json()
    assert (told.status_code, told.json()) == (201, EVENT)
    assert EVENT in listed["events"]


def test_a_remote_client_records_and_lists_events(url: str) -> None:
    reader = RemoteClient(url.removesuffix("/api/v1/events"))
    reader.execute(
        RecordEvent(
            ChangeEvent.model_validate({"at": "2026-01-05T11:00:00+01:00", "kind": "model", "title": "größer 😀"})
        )
    )
    assert "größer 😀" in reader.run(EventsQuery(WINDOW)).rows["title"].to_pylist()


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        (b"", 400, "no JSON"),
        (b"[]", 400, "no JSON object"),
        (b'{"at": "2026-01-05"}', 400, "kind: must be given"),
        (b'{"at": "2026-01-05", "kind": "deploy", "title": "x", "where": 1}', 400, "where: no such argument"),
        (b'{"at": {}, "kind": "deploy", "title": ["x"]}', 400, "title: "),
        (b'"' + b"x" * 70_000 + b'"', 413, "65,536 bytes"),
    ],
)
def test_an_invalid_event_is_refused(url: str, body: bytes, status: int, problem: str) -> None:
    answer = requests.post(url, body, headers={"Content-Type": "application/json"}, timeout=30)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert problem in answer.json()["detail"]


def test_a_form_on_another_page_cannot_record_an_event(url: str) -> None:
    answer = requests.post(url, b'{"at":"2026-01-05","kind":"other","title":"forged"}', timeout=30)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["'", "deploy'; --", "\0"])
def test_hostile_event_kinds_are_refused(url: str, kind: str) -> None:
    assert requests.post(url, json=EVENT | {"kind": kind}, timeout=30).status_code == 400
