"""Alerts in the order in which they are looked at: incidents by severity and age, and nobody woken by what they did.

Alertmanager showed alerts in another order at each reload, and one list of hundreds (prometheus/alertmanager 812, 911);
its list of silences had no author and no reason (4303).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from controlsurface.alerting.delivery.outbox import load_delivery_state
from controlsurface.client.local_client import LocalClient
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.alerts.alert_table import group_incidents
from tests.alerting.firing_store import store_firing_alert
from tests.serving import serving
from tests.ui.conftest import Open
from tests.ui.test_pages import html

NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)


def row(rule: str, minutes_ago: int, severity: str = "ticket", slice_: str = "{}") -> dict[str, Any]:
    at, labels = NOW - timedelta(minutes=minutes_ago), orjson.dumps({"severity": severity}).decode()
    return {"rule": rule, "onset": None, "active_at": at, "labels": labels, "slice": slice_}


def test_alerts_that_begin_together_are_one_incident_most_severe_and_oldest_first() -> None:
    rows = [row("c", 10), row("d", 40, "info"), row("b", 20, "page"), row("a", 30, "page"), row("old", 600)]
    incidents = group_incidents(rows)
    assert [[each["rule"] for each in alerts] for alerts in incidents] == [["a", "b", "c", "d"], ["old"]]


def test_alerts_of_one_slice_are_one_incident_however_late_each_began() -> None:
    code = '{"task_type":"code"}'
    rows = [row("late", 10, slice_=code), row("other", 400), row("early", 1500, slice_=code)]
    assert [[each["rule"] for each in alerts] for alerts in group_incidents(rows)] == [["early", "late"], ["other"]]


def test_the_order_is_the_same_however_rows_come() -> None:
    rows = [row(name, 5 * at % 35, "page" if at % 2 else "") for at, name in enumerate("abcdefg")]
    assert group_incidents(rows) == group_incidents(rows[::-1])


@pytest.fixture
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    store_firing_alert(made)
    yield made
    made.close()


def test_the_page_counts_incidents_and_alerts(opened: Open, store: DuckStore) -> None:
    with serving(LocalClient(store)) as url:
        assert "1 incident, 1 alert" in html(opened(url, "alerts.py"))


@pytest.mark.parametrize(("who", "why"), [("", ""), ("ann", " "), (" ", "deploy")])
def test_a_silence_needs_an_author_and_a_reason(opened: Open, store: DuckStore, who: str, why: str) -> None:
    with serving(LocalClient(store)) as url:
        app = opened(url, "alerts.py", silence=['alertname="EscalationRateHigh"'])
        app.text_input(key="silence who").set_value(who)
        app.text_input(key="silence why").set_value(why)
        app.button(key="FormSubmitter:silence-Silence").click().run()
    assert "author and a reason" in app.warning[0].value
    assert not load_delivery_state(store.state)[1]


@pytest.mark.parametrize("severity", ["info", "none"])
def test_what_somebody_changed_is_no_red_alert(opened: Open, store: DuckStore, severity: str) -> None:
    with store.writing() as writing:
        writing.execute(f'UPDATE alerts SET labels = \'{{"alertname": "RouterChanged", "severity": "{severity}"}}\'')
    with serving(LocalClient(store)) as url:
        assert 'class="bad"' not in html(opened(url, "alerts.py"))
        assert "cs-strip" not in html(opened(url))
