"""A page about a window without requests says where the requests lie."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controlsurface.client.local_client import LocalClient
from controlsurface.demo.loading_progress import PROGRESS_ENVIRONMENT
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving
from tests.stores import put
from tests.ui.conftest import Open
from tests.ui.test_pages import html


def test_an_empty_page_says_how_many_requests_lie_where(opened: Open) -> None:
    store = DuckStore.in_memory()
    seed(store, n=300, days=2, end=datetime.now(UTC) - timedelta(days=40))
    times = "SELECT count(*) AS n, min(started_at) AS low, max(started_at) AS high FROM requests"
    (row,) = store.state(times).to_pylist()
    with serving(LocalClient(store)) as url:
        app = opened(url, "routing.py")
        assert f"{row['n']} requests between {row['low']:%Y-%m-%d} and {row['high']:%Y-%m-%d}." in html(app)
    store.close()


@pytest.fixture
def two() -> Iterator[str]:
    """The address of a collector with two requests, ten days ago."""
    store = DuckStore.in_memory()
    at = (datetime.now(UTC) - timedelta(days=10)).replace(hour=9, tzinfo=None)
    put(store, [{"started_at": at, "task_type": "chat"}, {"started_at": at + timedelta(hours=1), "task_type": "code"}])
    with serving(LocalClient(store)) as url:
        yield url
    store.close()


# Grafana's "Zoom to data" stood where there was data, and not where there was none (grafana/grafana 49625, 61972).
@pytest.mark.parametrize("page", ["routing.py", "overview.py", "traces.py"])
def test_an_empty_page_has_a_button_that_shows_the_requests(opened: Open, two: str, page: str) -> None:
    app = opened(two, page, range="1h")
    (button,) = (each for each in app.button if each.label.startswith("2 requests, "))
    button.click().run()
    assert not app.exception
    assert "Connect a router" not in html(app)
    assert (app.session_state["_view"].end - app.session_state["_view"].start) < timedelta(hours=2)


def test_a_filter_that_nothing_meets_is_cleared_and_the_window_stays(opened: Open, two: str) -> None:
    app = opened(two, "routing.py", range="28d", task_type="poetry")
    (button,) = (each for each in app.button if each.label == "Clear the filters")
    button.click().run()
    assert app.session_state["_view"].where == ()
    assert "Connect a router" not in html(app)


def test_an_empty_page_names_the_address_of_this_server(
    opened: Open, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTROLSURFACE_OTLP", "http://127.0.0.1:4999")
    app = opened(empty_url, "routing.py")
    assert [tab.label for tab in app.tabs][:2] == ["Any OpenTelemetry SDK", "Python"]
    assert all("http://127.0.0.1:4999" in each.value for each in app.code)
    assert "Waiting for the first span" in html(app)


@pytest.mark.parametrize(
    ("said", "shown"), [("43", "Loading demo history 43 %"), ("100", "Waiting for the first span")]
)
def test_a_page_of_a_new_demo_says_how_much_of_its_history_is_there(
    opened: Open, empty_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, shown: str
) -> None:
    (tmp_path / "progress").write_text(said, "ascii")
    monkeypatch.setenv(PROGRESS_ENVIRONMENT, str(tmp_path / "progress"))
    app = opened(empty_url, "routing.py")
    assert shown in html(app)
    assert ("cs-loading" in html(app)) == (said == "43")
