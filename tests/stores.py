"""Stores that the tests of metrics, readers and the API share: an empty one, and two full of traffic."""

from collections.abc import Iterator
from typing import Any, Literal

import pyarrow as pa
import pytest

from controlsurface.client import LocalClient
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed


@pytest.fixture(scope="session")
def empty() -> Iterator[LocalClient]:
    reader = LocalClient(DuckStore.in_memory())
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    seed(made, n=4_000, end=NOW)
    yield made
    made.close()


@pytest.fixture(scope="session")
def reader(store: DuckStore) -> LocalClient:
    return LocalClient(store)


@pytest.fixture(scope="session")
def sampled() -> Iterator[LocalClient]:
    """Traffic of which upstream kept one request in one, in two and in ten."""
    made = DuckStore.in_memory()
    seed(made, n=1_000, end=NOW, weights=(1.0, 2.0, 10.0))
    yield LocalClient(made)
    made.close()


_OF_REQUESTS: dict[str, Any] = {"request_id": "r", "trace_id": f"{1:032x}", "span_id": 1, "lane": "small"}
_OF_REQUESTS |= dict.fromkeys(("attempts", "steps", "sample_weight"), 1)
_OF_REQUESTS |= {"failed_attempts": 0, "retries": 0, "fell_back": False, "failed": False, "priced": True}
_OF_ATTEMPTS: dict[str, Any] = {"attempt_id": "a", "trace_id": f"{1:032x}", "span_id": 1, "purpose": "user"}
_OF_ATTEMPTS |= {"lane": "small", "failed": False, "billable": True, "sample_weight": 1}
_DEFAULTS = {"requests": _OF_REQUESTS, "attempts": _OF_ATTEMPTS}


def put(store: DuckStore, rows: list[dict[str, Any]], table: Literal["requests", "attempts"] = "requests") -> None:
    """Requests or attempts that have only what a test is about, and defaults."""
    defaults, given = _DEFAULTS[table], dict.fromkeys(name for row in rows for name in row)
    columns = {name: pa.repeat(value, len(rows)) for name, value in defaults.items() if name not in given}
    columns |= {name: pa.array([row.get(name, defaults.get(name)) for row in rows]) for name in given}
    full = pa.table(columns)
    names = ", ".join(full.column_names)
    with store.writing() as writing:
        writing.attach("put_rows", full)
        writing.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM put_rows")


def make_slow(store: DuckStore) -> None:
    """A question about requests takes minutes from here on."""
    put(store, [{}])
    with store.writing() as writing:
        writing.execute("ALTER TABLE requests RENAME TO few")
        writing.execute("CREATE VIEW requests AS SELECT few.* FROM few, range(100_000_000_000)")
