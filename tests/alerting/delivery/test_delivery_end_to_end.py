"""An incident in the requests becomes one signed message that names its cause, through a kill -9 in the middle."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from controlsurface.store.duckdb import DuckStore
from tests.alerting.fake_receivers import FakeReceiver, http_sink
from tests.launch import Server, collector, until
from tests.stores import put

RULES = """\
groups:
  - name: routing
    interval: 1s
    rules:
      - alert: EscalationRateHigh
        metric: escalation_rate
        by: [task_type]
        over: 15m
        above: 0.30
        min_count: 20
        labels: {severity: page}
        annotations: {summary: "Many {{ $labels.task_type }} requests escalate"}
"""
CONFIG = """\
[alerts]
shipped = false
directories = ["{folder}/rules"]

[delivery]
allow_networks = ["127.0.0.0/8"]

[delivery.notifiers.ops]
kind = "webhook"
url = "{url}/alerts"
secret = "file:{folder}/secret"
timeout = "5s"

[[delivery.routes]]
notifiers = ["ops"]
group_wait = "0s"
group_interval = "1s"
"""


def incident(now: datetime) -> list[dict[str, Any]]:
    """Five hours of `code` and `chat` with a tenth escalated; for ten minutes all that acme asks of `code` is."""
    rows = []
    for i in range(300):
        at = now - timedelta(minutes=300 - i)
        for k in range(8):
            task, tenant = ("code", "chat")[k % 2], ("acme", "umbrella")[k // 4]
            broken = at > now - timedelta(minutes=12) and (task, tenant) == ("code", "acme")
            escalated = broken or (i + k) % 10 == 0
            rows.append(
                {
                    "request_id": f"{i}-{k}",
                    "started_at": at.replace(tzinfo=None),
                    "task_type": task,
                    "tenant": tenant,
                    "escalated": escalated,
                    "lane": "large" if escalated else "small",
                }
            )
    return rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory with the incident in it, rules and a secret."""
    store = DuckStore.open(tmp_path / "data")
    put(store, incident(datetime.now(UTC)))
    store.close()
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "routing.yaml").write_text(RULES)
    (tmp_path / "secret").write_text("k3y")
    return tmp_path


@contextmanager
def running(folder: Path, sink: FakeReceiver) -> Iterator[Server]:
    """A collector that tells the sink."""
    (folder / "controlsurface.toml").write_text(CONFIG.format(folder=folder, url=sink.url))
    with collector(folder, "--config", str(folder / "controlsurface.toml")) as server:
        yield server


def messages(server: Server) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = requests.get(f"{server.ready['api']}/api/v1/notifications", timeout=10).json()["rows"]
    return rows


def test_an_incident_is_notified_once_with_its_cause_whatever_is_killed_in_between(folder: Path) -> None:
    down, up = (503, dict[str, str](), b""), (200, dict[str, str](), b"")
    with ExitStack() as ends:
        sink = ends.enter_context(http_sink(down, down, up))
        server = ends.enter_context(running(folder, sink))
        until(lambda: sink.got)  # the receiver has said no once: the alert fires, and its message waits
        server.stop(signal.SIGKILL)
        sink.answers = [up]
        before = len(sink.got)
        server = ends.enter_context(running(folder, sink))
        until(lambda: all(each["state"] == "sent" for each in messages(server)))
        until(lambda: len(sink.got) > before)
        looked = datetime.now(UTC)
        until(lambda: last_evaluation(server) > looked + timedelta(seconds=3))
        server.stop()
    first, *again = (got.json for got in sink.got)
    assert {each["id"] for each in again} == {first["id"]}  # the same message, until it was taken
    assert len(sink.got) == before + 1
    (alert,) = first["alerts"]
    assert alert["labels"] == {"alertname": "EscalationRateHigh", "severity": "page", "task_type": "code"}
    assert alert["slice"] == "task_type code"
    assert (alert["contributors"][0]["dimension"], alert["contributors"][0]["value"]) == ("tenant", "acme")
    assert first["title"].startswith("Firing: Escalation rate of task_type code")
    assert all("x-control-surface-signature" in got.headers for got in sink.got)


def last_evaluation(server: Server) -> datetime:
    groups = requests.get(f"{server.ready['api']}/api/v1/rules", timeout=10).json()["data"]["groups"]
    return datetime.fromisoformat(groups[0]["rules"][0]["lastEvaluation"])
