"""The questions of the Overview can be asked of any reader, and people who look on ask them again and again."""

from datetime import UTC, datetime, timedelta

import pytest

from controlsurface.bench.panels import panels
from controlsurface.bench.sessions import looking_on
from controlsurface.reader.local import LocalReader
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def reader() -> LocalReader:
    store = DuckStore.in_memory()
    seed(store, n=200, days=2, end=NOW)
    return LocalReader(store)


def test_one_page_asks_less_than_all_and_all_is_answered(reader: LocalReader) -> None:
    one, everything = (list(panels(reader, NOW - DAY, NOW, *some)) for some in ([["overview"]], []))
    assert 0 < len(one) < len(everything)


def test_sessions_leave_how_long_each_of_their_panels_took(reader: LocalReader) -> None:
    with serving(reader) as url, looking_on(url, 1) as seconds:
        next(panels(reader, NOW - DAY, NOW))
    assert seconds
    assert min(seconds) > 0
