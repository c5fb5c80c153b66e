"""A report is one file: it says what was different, needs nothing from outside, and trusts no value."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.event_list import RecordEvent
from controlsurface.export.incident_report import gather_incident, render_incident_report
from controlsurface.metrics.contributors.contributor_query import ContributorsArgs
from controlsurface.metrics.queries.event_query import ChangeEvent
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed

DAY = timedelta(days=1)
WINDOWS: dict[str, Any] = {
    "start": NOW - 2 * DAY,
    "end": NOW,
    "baseline_start": NOW - 6 * DAY,
    "baseline_end": NOW - 2 * DAY,
}
HOSTILE = "<script>alert('x')</script>\""


def report(store: DuckStore, **more: Any) -> str:
    asked = ContributorsArgs(**{"metric": "escalation_rate", **WINDOWS, **more})
    return render_incident_report(
        gather_incident(LocalClient(store), asked, "the time before"), "http://127.0.0.1:8501/triage?a=1&b=2"
    )


@pytest.fixture(scope="module")
def store() -> Any:
    made = DuckStore.in_memory()
    seed(made, n=2_000, end=NOW)
    with made.writing() as writing:
        writing.execute("UPDATE requests SET task_type = $name WHERE task_type = 'chat'", {"name": HOSTILE})
    LocalClient(made).execute(RecordEvent(ChangeEvent(at=NOW - DAY, kind="deploy", title=HOSTILE, detail=HOSTILE)))
    yield made
    made.close()


def tags(text: str) -> list[tuple[str, dict[str, str | None]]]:
    found: list[tuple[str, dict[str, str | None]]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, dict(attrs)))

    Parser().feed(text)
    return found


@pytest.mark.parametrize("metric", ["escalation_rate", "cost", "latency_mean", "requests"])
def test_a_report_shows_before_and_after_and_ranks_what_is_different(store: DuckStore, metric: str) -> None:
    text = report(store, metric=metric)
    assert "Top contributors" in text
    assert text.count("<tr>") > 10
    assert "router_version" in text


def test_a_report_loads_nothing_from_outside_and_runs_nothing(store: DuckStore) -> None:
    found = tags(report(store))
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in found}
    assert not re.search(r"url\(|@import", report(store))
    assert [each["href"] for tag, each in found if tag == "a"] == ["http://127.0.0.1:8501/triage?a=1&b=2"]


def test_every_value_in_a_report_is_escaped(store: DuckStore) -> None:
    text = report(store)
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_every_picture_in_a_report_says_what_it_shows(store: DuckStore) -> None:
    pictures = [each for tag, each in tags(report(store)) if tag == "svg"]
    assert len(pictures) > 5
    assert all(each["role"] == "img" and each["aria-label"] for each in pictures)


def test_an_empty_store_has_a_report_too() -> None:
    empty = DuckStore.in_memory()
    text = report(empty)
    assert "No value has 30 rows" in text
    assert "<svg" not in text
    empty.close()
