"""Inspect shows what the alert says: its window, slice, metric and comparison, at any volume.

Grafana's links from an alert left the window out, then took the time since the alert began (grafana/grafana 21292,
101095), and its view of a rule asked another window than the rule (90590, 96929).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from controlsurface.alerting.evaluation import alert_store
from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_engine import RuleEngine
from controlsurface.client.local_client import LocalClient
from controlsurface.store.duckdb import DuckStore
from tests.alerting.rule_sets import DeliveredAlerts, rule_set
from tests.serving import serving
from tests.stores import put
from tests.ui.conftest import Open
from tests.ui.test_pages import html

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
HOUR = timedelta(hours=1)


@pytest.fixture
def store() -> Iterator[DuckStore]:
    """Seven requests an hour of which one fails, four in the last twelve hours; beside them others that are well."""
    made = DuckStore.in_memory()
    rows: list[dict[str, Any]] = []
    for hour in range(60):
        about = {"started_at": (NOW - hour * HOUR - HOUR / 2).replace(tzinfo=None), "task_type": "code"}
        failed = 4 if hour < 12 else 1
        rows += [{**about, "mode": "realtime", "failed": i < failed} for i in range(7)]
        rows += [{**about, "mode": "batch"}, {**about, "task_type": "chat"}]
    put(made, rows)
    yield made
    made.close()


def fire(store: DuckStore, **rule: Any) -> Any:
    """Let a rule about errors by task type find its breach in the store; its one alert."""
    engine = RuleEngine(store, EvaluationContext(store), DeliveredAlerts(), NOW)
    about = {"alert": "High", "metric": "error_rate", "by": ["task_type"], "where": {"mode": "realtime"}, **rule}
    engine.put_in_force(rule_set(about), NOW)
    engine.tick(NOW)
    (alert,) = alert_store.load_alerts(store)["High"].values()
    return alert


def inspect(opened: Open, url: str) -> AppTest:
    """The page that the link of the alert leads to."""
    address = next(each for each in html(opened(url, "alerts.py")).split('"') if "triage?" in each)
    app = opened(url, "triage.py", **parse_qs(unescape(address).partition("?")[2]))
    assert not app.exception
    return app


@pytest.mark.parametrize(("over", "n"), [("12h", 84), ("1h", 7)])
def test_inspect_shows_the_figures_of_the_alert(opened: Open, store: DuckStore, over: str, n: int) -> None:
    alert = fire(store, over=over, above=0.3)
    assert alert.reading.n == n
    with serving(LocalClient(store)) as url:
        shown = html(inspect(opened, url))
    assert f"n {n}," in shown
    assert "57.1 %" in shown


def test_inspect_compares_with_the_window_that_the_rule_compares_with(opened: Open, store: DuckStore) -> None:
    fire(store, over="6h", above={"over": "1d", "offset": "1d", "times": 2})
    with serving(LocalClient(store)) as url:
        shown = html(inspect(opened, url))
    assert "n 42, 168 before" in shown
    assert "was 14.3 %" in shown


def test_a_comparison_that_overlaps_the_alerts_window_ends_where_that_begins(opened: Open, store: DuckStore) -> None:
    fire(store, over="6h", above={"over": "1d", "times": 1.2})
    with serving(LocalClient(store)) as url:
        assert "n 42, 126 before" in html(inspect(opened, url))


def test_another_comparison_can_be_chosen_from_there(opened: Open, store: DuckStore) -> None:
    fire(store, over="6h", above={"over": "1d", "offset": "1d", "times": 2})
    with serving(LocalClient(store)) as url:
        app = inspect(opened, url)
        choice = next(each for each in app.segmented_control if "rule" in each.options)
        choice.set_value("yesterday").run()
        assert "n 42, 42 before" in html(app)
