"""Sources are told apart, with their silence and their clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.ingest_queries import SourcesQuery
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed

NOW = datetime.now(UTC).replace(tzinfo=None)


@pytest.fixture
def store() -> DuckStore:
    store = DuckStore.in_memory()
    seed(store, n=50, days=1)
    return store


def received(store: DuckStore, service: str | None, *delays: timedelta) -> None:
    """One span for each delay between its end and its receipt now."""
    with store.writing() as writing:
        for delay in delays:
            end_ns = int((NOW.replace(tzinfo=UTC) - delay).timestamp() * 1e9)
            writing.execute(
                "INSERT INTO spans BY NAME SELECT * REPLACE (? AS service, ? AS end_ns, 1.0 AS duration_ms, "
                "CAST(? AS TIMESTAMP) AS received_at) FROM spans LIMIT 1",
                (service, end_ns, NOW),
            )


def found(store: DuckStore) -> dict[str | None, dict[str, object]]:
    return {row["service"]: row for row in LocalClient(store).run(SourcesQuery()).rows.to_pylist()}


def test_the_clock_of_a_source_shows_in_its_least_delay(store: DuckStore) -> None:
    received(store, "ahead", timedelta(seconds=-90), timedelta(days=3))
    received(store, "right", timedelta(seconds=2), timedelta(days=3))
    assert found(store)["ahead"]["least_delay_ms"] == pytest.approx(-90_000, abs=2)
    assert found(store)["right"]["least_delay_ms"] == pytest.approx(2_000, abs=2)


def test_a_source_without_a_name_is_listed_too(store: DuckStore) -> None:
    received(store, None, timedelta(seconds=1), timedelta(seconds=1))
    assert found(store)[None]["spans"] == 2
    assert found(store)[None]["last_seen"] == NOW.replace(tzinfo=UTC)


def test_a_time_of_receipt_in_the_future_is_not_the_last_seen_of_a_source(store: DuckStore) -> None:
    received(store, "quiet", timedelta(seconds=1), timedelta(seconds=2))
    with store.writing() as writing:
        ahead = "UPDATE spans SET received_at = ? WHERE service = 'quiet' AND end_ns = (SELECT max(end_ns) FROM spans)"
        writing.execute(ahead, [NOW + timedelta(days=2)])
    assert found(store)["quiet"]["last_seen"] == NOW.replace(tzinfo=UTC)
