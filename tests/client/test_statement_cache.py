"""What many questions ask first is read once, and again after anything was written."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from unittest.mock import Mock

import pytest

from controlsurface.client import local_client
from controlsurface.client.local_client import LocalClient
from controlsurface.query.statement import Statement
from controlsurface.store.duckdb import DuckStore

COUNT = "SELECT count(*) AS n FROM events WHERE kind = $kind"
TELL = "INSERT INTO events (\"at\", kind, title, source) VALUES (now()::TIMESTAMP, 'deploy', 'v2', 'test')"


@pytest.fixture
def store() -> Iterator[Any]:
    """A store that counts the queries it runs."""
    opened: Any = DuckStore.in_memory()
    opened.query = Mock(wraps=opened.query)
    yield opened
    opened.close()


def deploys(reader: LocalClient, *, again: bool = True, kind: str = "deploy") -> int:
    return int(reader.rows(Statement(COUNT, {"kind": kind}, "events.list", again=again))["n"][0].as_py())


def test_a_cached_statement_is_read_once_until_something_is_written(store: Any) -> None:
    reader = LocalClient(store)
    assert [deploys(reader) for _ in range(3)] == [0, 0, 0]
    assert store.query.call_count == 1
    for written, transaction in enumerate((store.writing, store.beside), 1):
        with transaction() as writing:
            writing.execute(TELL)
        assert deploys(reader) == written


def test_a_failed_transaction_leaves_cached_statements_valid(store: Any) -> None:
    reader = LocalClient(store)
    deploys(reader)
    with suppress(ZeroDivisionError), store.writing() as writing:
        writing.execute(TELL)
        raise ZeroDivisionError
    assert deploys(reader) == 0
    assert store.query.call_count == 1


def test_an_uncached_statement_is_read_every_time(store: Any) -> None:
    reader = LocalClient(store)
    assert [deploys(reader, again=False) for _ in range(3)] == [0, 0, 0]
    assert store.query.call_count == 3


def test_the_statement_cache_keeps_no_more_than_its_maximum(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_client, "MAX_CACHED_STATEMENTS", 2)
    reader = LocalClient(store)
    for kind in "abca":
        deploys(reader, kind=kind)
    assert store.query.call_count == 4
