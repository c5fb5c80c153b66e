"""The triage of an alert begins with the alert, and one press silences it in somebody's name until an end.

Readers of Grafana's alerts ask to acknowledge with a comment, until some time (grafana/grafana 13364, 24762).
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from controlsurface.alerting.alert_queries import AlertsQuery
from controlsurface.alerting.evaluation import alert_store
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.local_client import LocalClient
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.alerts.alert_triage import alert_key, alert_triage_parameters
from controlsurface.ui.triage.alert_header import acknowledgement, alert_time
from tests.alerting.firing_store import resolve_alert, store_firing_alert
from tests.seed import seed
from tests.serving import serving
from tests.ui.conftest import Open
from tests.ui.test_pages import html

HOUR = timedelta(hours=1)


@pytest.fixture
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    seed(made, n=400, days=2, end=datetime.now(UTC))
    yield made
    made.close()


def alert_row(store: DuckStore) -> dict[str, Any]:
    (row,) = as_dicts(LocalClient(store).run(AlertsQuery()).rows)
    return row


def test_an_alert_is_acknowledged_once_with_owner_reason_and_end(opened: Open, store: DuckStore) -> None:
    store_firing_alert(store)
    with serving(LocalClient(store)) as url:
        app = opened(url, "triage.py", range="24h", alert=alert_key(alert_row(store)))
        assert "EscalationRateHigh" in html(app)
        assert "severity page" in html(app)
        app.text_input(key="acknowledge owner").set_value("ann")
        next(each for each in app.button if each.label == "Acknowledge").click().run()
        assert not app.exception
        assert "silenced" in html(app)
        assert not [each for each in app.button if each.label == "Acknowledge"]
    (silence,) = store.state("FROM silences").to_pylist()
    assert (silence["created_by"], silence["comment"]) == ("ann", "Looking into it")
    assert abs(silence["ends_at"] - silence["starts_at"] - 2 * HOUR) < timedelta(seconds=5)


def test_an_acknowledgement_needs_an_owner(opened: Open, store: DuckStore) -> None:
    store_firing_alert(store)
    with serving(LocalClient(store)) as url:
        app = opened(url, "triage.py", range="24h", alert=alert_key(alert_row(store)))
        app.text_input(key="acknowledge owner").set_value(" ")
        next(each for each in app.button if each.label == "Acknowledge").click().run()
        assert any("needs an owner" in each.value for each in app.warning)
    assert store.state("FROM silences").num_rows == 0


def test_a_resolved_alert_says_so_and_is_not_silenced(opened: Open, store: DuckStore) -> None:
    over = resolve_alert(store_firing_alert(store), datetime.now(UTC))
    with store.writing() as writing:
        alert_store.write_alerts(writing, [over], [])
    with serving(LocalClient(store)) as url:
        app = opened(url, "triage.py", range="24h", alert=alert_key(alert_row(store)))
        assert "resolved" in html(app)
        assert not [each for each in app.button if each.label == "Acknowledge"]


@pytest.mark.parametrize("key", ["gone", "<script>", "\0"])
def test_an_alert_that_is_no_longer_listed_is_said(opened: Open, store: DuckStore, key: str) -> None:
    with serving(LocalClient(store)) as url:
        app = opened(url, "triage.py", range="24h", alert=key)
        assert not app.exception
        assert any("no longer listed" in each.value for each in app.caption)


def test_an_acknowledgement_matches_exactly_the_labels_of_its_alert(store: DuckStore) -> None:
    store_firing_alert(store)
    row, now = alert_row(store), datetime.now(UTC)
    body = acknowledgement(row, "ann", "why", HOUR, now).body
    assert {each.name: each.value for each in body.matchers} == orjson.loads(row["labels"])
    assert not any(each.isRegex for each in body.matchers)


def test_the_time_of_an_alert_is_since_when_or_how_long() -> None:
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    row = {"onset": now - 5 * HOUR, "active_at": now, "state": "firing", "resolved_at": None}
    assert alert_time(row, now) == "since Jan 05 07:00 UTC, 5 h ago"
    assert (
        alert_time({**row, "state": "resolved", "resolved_at": now - HOUR}, now)
        == "resolved Jan 05 11:00 UTC, after 4 h"
    )


def test_inspect_selects_a_slice_that_only_calls_have(opened: Open, store: DuckStore) -> None:
    store_firing_alert(store)
    row = alert_row(store) | {"slice": '{"model": "gpt-5-mini"}'}
    row["definition"] = orjson.dumps(
        orjson.loads(row["definition"]) | {"metric": "attempt_error_rate", "by": ["model"]}
    ).decode()
    found = alert_triage_parameters(row)
    assert found["slice"] == ["model:gpt-5-mini"]
    with serving(LocalClient(store)) as url:
        app = opened(url, "triage.py", range="24h", metric="attempt_error_rate", slice="model:gpt-5-mini")
        assert not app.exception
        assert "model gpt-5-mini" in html(app)
