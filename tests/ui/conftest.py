"""The dashboard under Streamlit's own test runner, in front of a real API over a real store."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from controlsurface.client.local_client import LocalClient
from controlsurface.shipped_paths import DASHBOARDS
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.app import page_frame
from controlsurface.ui.app.page_frame import FileSnapshot
from tests.seed import seed
from tests.serving import serving

Open = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def installed_components() -> Iterator[None]:
    """Streamlit's test runner reads what every installed package says of itself for each app: half of what one takes.

    Here it is read once. No package is installed meanwhile.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def seeded() -> Iterator[DuckStore]:
    """A store with ten days of traffic until now."""
    store = DuckStore.in_memory()
    seed(store, n=6000, days=10, end=datetime.now(UTC))
    yield store
    store.close()


@pytest.fixture(scope="session")
def seeded_url(seeded: DuckStore) -> Iterator[str]:
    with serving(LocalClient(seeded)) as url:
        yield url


@pytest.fixture(scope="session")
def empty_url() -> Iterator[str]:
    store = DuckStore.in_memory()
    with serving(LocalClient(store)) as url:
        yield url
    store.close()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Open a page of the dashboard in front of a collector, at an address; whoever edits pages may do so meanwhile."""
    monkeypatch.setattr(page_frame, "FILES_AT_START", FileSnapshot.of([]))

    def open_page(
        url: str, page: str = "overview.py", theme: str = "dark", timezone: str = "", **params: str | list[str]
    ) -> AppTest:
        monkeypatch.setenv("CONTROLSURFACE_API", url)
        app = AppTest.from_file(DASHBOARDS / "app.py", default_timeout=90)
        app.context["theme"] = theme
        app.context["timezone"] = timezone or None
        app.query_params.update(params)
        return (app if page == "overview.py" else app.switch_page(page)).run()

    yield open_page
    st.cache_resource.clear()
