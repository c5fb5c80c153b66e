"""Every page opens: without a collector, on an empty store, on traffic, and from whatever an address says."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from controlsurface.client.local_client import LocalClient
from controlsurface.client.queries.event_list import RecordEvent
from controlsurface.client.queries.metric_queries import BatchQuery
from controlsurface.client.query_protocol import Query, R
from controlsurface.metrics.queries.event_query import ChangeEvent
from controlsurface.shipped_paths import DASHBOARDS
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving
from tests.ui.conftest import Open

PAGES = sorted(path.name for path in Path(DASHBOARDS).glob("*.py") if path.name != "app.py")


def html(app: AppTest) -> str:
    """All HTML that a page shows."""
    return "\n".join(element.body for element in app.html if "<style>" not in element.body)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("theme", ["dark", pytest.param("light", marks=pytest.mark.no_cover)])
def test_a_page_opens_on_traffic(opened: Open, seeded_url: str, page: str, theme: str) -> None:
    app = opened(seeded_url, page, theme)
    assert not app.exception
    assert "cs-title" in html(app)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_on_an_empty_store_says_what_to_do(opened: Open, empty_url: str, page: str) -> None:
    app = opened(empty_url, page)
    assert not app.exception
    assert "Waiting for the first span" in html(app)
    assert any("OTEL_EXPORTER_OTLP_ENDPOINT" in each.value for each in app.code)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_without_a_collector_says_so(opened: Open, page: str) -> None:
    app = opened(nobody(), page)
    assert not app.exception
    assert "The collector does not answer" in html(app)
    assert "cs-tile" not in html(app)


def test_a_page_comes_back_with_its_collector(opened: Open, seeded_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(nobody())
    monkeypatch.setenv("CONTROLSURFACE_API", seeded_url)
    assert "cs-tile" in html(app.run())


class Failing(LocalClient):
    """Answers whether it is there, and fails at every question about figures."""

    asked = 0

    def run(self, query: Query[R]) -> R:
        if not isinstance(query, BatchQuery):
            return super().run(query)
        self.asked += 1
        raise RuntimeError("a mistake of ours")


def test_a_collector_that_is_there_but_fails_is_not_asked_in_a_loop(opened: Open, seeded: DuckStore) -> None:
    reader = Failing(seeded)
    with serving(reader) as url:
        app = opened(url)
    assert "The collector does not answer" in html(app)
    assert reader.asked == 1


def test_a_sum_is_not_compared_with_a_week_that_is_not_whole(opened: Open, seeded_url: str) -> None:
    assert "no full week before" not in html(opened(seeded_url, range="24h"))
    assert "no full week before" in html(opened(seeded_url, range="7d"))


def test_change_events_are_marked_on_the_charts(opened: Open, seeded: DuckStore, seeded_url: str) -> None:
    LocalClient(seeded).execute(
        RecordEvent(ChangeEvent(at=datetime.now(UTC) - timedelta(hours=2), kind="deploy", title="r-77 <b>"))
    )
    charts = [element.proto.spec for element in opened(seeded_url, range="3d").get("plotly_chart")]
    assert sum("r-77 &lt;b&gt;" in chart for chart in charts) == 4


def test_the_address_of_a_page_restores_its_view(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, range="7d", task_type=["code", "chat"], tenant="acme")
    assert app.segmented_control(key="range").value == "7d"
    assert app.multiselect(key="task_type").value == ["code", "chat"]
    shown = app.session_state["_view"]
    assert set(shown.where) == {"task_type:code", "task_type:chat", "tenant:acme"}
    assert (shown.end - shown.start).days == 7


def test_a_chosen_filter_is_in_the_view_that_queries_use(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url)
    app.multiselect(key="lane").select("large").run()
    assert app.session_state["_view"].where == ("lane:large",)


def test_a_filter_stays_when_another_page_is_opened(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, "traces.py", range="6h", lane="large")
    assert app.session_state["_view"].where == ("lane:large",)
    assert app.segmented_control(key="range").value == "6h"


def test_a_custom_range_is_read_in_utc(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, range="custom", **{"from": "2026-01-05T10:00", "to": "2026-01-05T12:30"})
    shown = app.session_state["_view"]
    assert shown.start.isoformat() == "2026-01-05T10:00:00+00:00"
    assert shown.end.isoformat() == "2026-01-05T12:30:00+00:00"


def test_a_range_that_ends_before_it_starts_is_turned_round(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, range="custom", **{"from": "2026-01-05T12:00", "to": "2026-01-05T10:00"})
    assert not app.exception
    assert app.session_state["_view"].start < app.session_state["_view"].end


def test_requests_with_an_unknown_value_can_be_filtered_for(opened: Open, seeded_url: str) -> None:
    app = opened(seeded_url, task_type="(unknown)")
    assert app.session_state["_view"].where == ("task_type:",)
    assert "cs-tile" in html(app)


NAMES = ("range", "from", "to", "live", "task_type", "order", "find", "only", "confidence_min", "request", "at")
NASTY = ("", "\0", "<script>alert(1)</script>", "' OR 1=1 --", "a:b", "-1", "nan", "9" * 400, "\ud7ff\U0001f600")


@pytest.mark.no_cover
@pytest.mark.parametrize("page", PAGES)
def test_a_page_survives_any_address(opened: Open, seeded_url: str, page: str) -> None:
    for value in NASTY:
        app = opened(seeded_url, page, **dict.fromkeys(NAMES, value))
        assert not app.exception, ascii(value)
        assert "<script>" not in html(app), ascii(value)


def nobody() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


WITHOUT = """
import sys
from streamlit.testing.v1 import AppTest
from controlsurface.shipped_paths import DASHBOARDS

for page in ("overview.py", "triage.py", "alerts.py", "traces.py"):
    app = AppTest.from_file(DASHBOARDS / "app.py", default_timeout=90)
    app = (app if page == "overview.py" else app.switch_page(page)).run()
    assert app.html and not app.exception, page
    assert "pandas" not in sys.modules, page
"""


def test_the_pages_of_an_incident_do_without_pandas_which_takes_40_mb(seeded_url: str) -> None:
    where = {**os.environ, "CONTROLSURFACE_API": seeded_url}
    ran = subprocess.run([sys.executable, "-c", WITHOUT], env=where, capture_output=True, text=True, check=False)
    assert not ran.returncode, ran.stderr[-2000:]
