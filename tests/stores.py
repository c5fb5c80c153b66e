"""Stores that the tests of metrics, readers and the API share: an empty one, and two full of traffic."""

from collections.abc import Iterator

import pytest

from controlsurface.reader import LocalReader
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed


@pytest.fixture(scope="session")
def empty() -> Iterator[LocalReader]:
    reader = LocalReader(DuckStore.in_memory())
    yield reader
    reader.close()


@pytest.fixture(scope="session")
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    seed(made, n=4_000, end=NOW)
    yield made
    made.close()


@pytest.fixture(scope="session")
def reader(store: DuckStore) -> LocalReader:
    return LocalReader(store)


@pytest.fixture(scope="session")
def sampled() -> Iterator[LocalReader]:
    """Traffic of which upstream kept one request in one, in two and in ten."""
    made = DuckStore.in_memory()
    seed(made, n=1_000, end=NOW, weights=(1.0, 2.0, 10.0))
    yield LocalReader(made)
    made.close()
