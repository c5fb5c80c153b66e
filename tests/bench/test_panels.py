"""The questions of the Overview can be asked of any reader, and people who look on ask them again and again."""

from datetime import UTC, datetime

import pytest

from controlsurface.bench import panels
from controlsurface.bench.sessions import looking_on
from controlsurface.reader.local import LocalReader
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def reader() -> LocalReader:
    store = DuckStore.in_memory()
    seed(store, n=200, days=2, end=NOW)
    return LocalReader(store)


@pytest.mark.parametrize("name", panels.WINDOWS)
def test_every_panel_is_answered_in_every_window(reader: LocalReader, name: str) -> None:
    names = [panel for panel, _ in panels.asked(reader, panels.window(name, NOW))]
    assert [f"tile {metric}" for metric in panels.TILES] == names[: len(panels.TILES)]


def test_sessions_leave_how_long_each_of_their_panels_took(reader: LocalReader) -> None:
    with serving(reader) as url, looking_on(url, 1) as seconds:
        next(panels.asked(reader, panels.window("24h", NOW)))
    assert seconds
    assert min(seconds) > 0
