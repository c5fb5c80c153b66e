"""Alerts, rules and messages over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from controlsurface.alerting.delivery.dispatcher import Dispatcher
from controlsurface.alerting.delivery.silence_commands import MatcherBody, PutSilence, SilenceBody
from controlsurface.client.local_client import LocalClient
from controlsurface.config.alert_delivery import DeliveryConfig
from controlsurface.store.duckdb import DuckStore
from tests.alerting.firing_store import store_firing_alert
from tests.serving import serving

OPS = DeliveryConfig.model_validate({"notifiers": {"ops": {"kind": "webhook", "url": "http://127.0.0.1"}}})


@pytest.fixture(scope="module")
def reader() -> Iterator[LocalClient]:
    """One alert fires, and its first message waits."""
    store = DuckStore.in_memory()
    store_firing_alert(store)
    Dispatcher(store, OPS).tick(datetime.now(UTC))
    made = LocalClient(store)
    yield made
    made.close()


@pytest.fixture(scope="module")
def url(reader: LocalClient) -> Iterator[str]:
    with serving(reader) as address:
        yield f"{address}/api/v1"


def get_json(url: str) -> Any:
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 200
    return answer.json()


def test_alerts_are_listed_as_prometheus_does(url: str) -> None:
    answer = get_json(f"{url}/alerts")
    (alert,) = answer["data"]["alerts"]
    assert answer["status"] == "success"
    assert alert["labels"] == {"alertname": "EscalationRateHigh", "severity": "page", "task_type": "code"}
    assert (alert["state"], alert["value"], alert["heldBy"]) == ("firing", "0.42", None)


def test_rules_are_listed_in_groups_with_their_alerts(url: str) -> None:
    (group,) = get_json(f"{url}/rules")["data"]["groups"]
    (rule,) = group["rules"]
    assert (group["name"], group["interval"], rule["name"]) == ("routing", 60, "EscalationRateHigh")
    assert (rule["state"], len(rule["alerts"]), rule["duration"]) == ("firing", 1, 0)
    assert '"above":0.3' in rule["query"]


def test_alert_history_and_notifications_are_listed(url: str) -> None:
    assert [row["state"] for row in get_json(f"{url}/alerts/history")["rows"]] == ["firing"]
    (message,) = get_json(f"{url}/notifications")["rows"]
    assert (message["notifier"], message["state"], message["reason"]) == ("ops", "waiting", "new")


def test_a_silenced_alert_names_its_silence(url: str, reader: LocalClient) -> None:
    now = datetime.now(UTC)
    quiet = MatcherBody(name="task_type", value="code")
    body = SilenceBody(matchers=(quiet,), startsAt=now, endsAt=now + timedelta(hours=1))
    name = reader.execute(PutSilence(body))["silenceID"]
    assert get_json(f"{url}/alerts")["data"]["alerts"][0]["heldBy"] == f"silence {name}"
