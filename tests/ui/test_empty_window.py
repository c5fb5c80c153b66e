"""A page about a window without requests says where the requests lie."""

from datetime import UTC, datetime, timedelta

from controlsurface.client.local_client import LocalClient
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving
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
