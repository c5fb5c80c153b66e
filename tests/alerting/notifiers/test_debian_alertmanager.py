"""Debian's own Alertmanager receives, groups and resolves our alerts."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import requests

from controlsurface.alerting.delivery.notification_payload import alert_payload
from controlsurface.alerting.model import Episode
from controlsurface.alerting.notifiers import EgressPolicy, create_notifier
from controlsurface.config.alert_delivery import AlertmanagerConfig
from tests.alerting.episode_clock import episode
from tests.alerting.fake_receivers import FakeReceiver, http_sink
from tests.launch import until

PROGRAM = "prometheus-alertmanager"
CONFIG = """
route: {{receiver: sink, group_by: [alertname, lane], group_wait: 100ms, group_interval: 200ms, repeat_interval: 1h}}
receivers: [{{name: sink, webhook_configs: [{{url: "{url}", send_resolved: true}}]}}]
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def sink() -> Iterator[FakeReceiver]:
    with http_sink() as found:
        yield found


@pytest.fixture(scope="module")
def manager(sink: FakeReceiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server."""
    program = shutil.which(PROGRAM)
    if program is None:
        pytest.skip(f"{PROGRAM} is not installed")
    folder: Path = tmp_path_factory.mktemp("alertmanager")
    (folder / "config.yml").write_text(CONFIG.format(url=sink.url))
    url = f"http://127.0.0.1:{free_port()}"
    flags = (f"--config.file={folder}/config.yml", f"--storage.path={folder}", "--cluster.listen-address=")
    with (folder / "log").open("w") as log:
        argv = [program, *flags, f"--web.listen-address={url.removeprefix('http://')}"]
        process = subprocess.Popen(argv, stdout=log, stderr=log)
        try:
            until(lambda: answers(f"{url}/-/ready"))
            yield url
        finally:
            process.terminate()
            process.wait(30)


def answers(url: str) -> bool:
    with suppress(requests.ConnectionError):
        return requests.get(url, timeout=5).ok
    return False


def send(manager: str, *episodes: Episode) -> None:
    notifier = create_notifier(
        AlertmanagerConfig(kind="alertmanager", url=manager), EgressPolicy((ip_network("127.0.0.0/8"),))
    )
    notifier.send({"id": "m", "alerts": [alert_payload(each, None, "http://board") for each in episodes]})


def told(sink: FakeReceiver, status: str, alerts: int) -> dict[str, Any] | None:
    """The first message of that status about so many alerts."""
    found = (got.json for got in sink.got)
    return next((each for each in found if each["status"] == status and len(each["alerts"]) == alerts), None)


def test_alertmanager_receives_groups_and_resolves_alerts(manager: str, sink: FakeReceiver) -> None:
    now = datetime.now(UTC)
    firing = [episode(now, lane="small", task_type=name) for name in ("code", "chat")]
    send(manager, *firing)
    listed = requests.get(f"{manager}/api/v2/alerts", timeout=10).json()
    assert {each["labels"]["task_type"] for each in listed} == {"code", "chat"}
    message = until(lambda: told(sink, "firing", 2))
    assert message["groupLabels"] == {"alertname": "High", "lane": "small"}
    assert message["alerts"][0]["generatorURL"].startswith("http://board/triage?")
    send(manager, *(replace(each, ends_at=datetime.now(UTC)) for each in firing))
    assert until(lambda: told(sink, "resolved", 2))["groupLabels"] == message["groupLabels"]
