"""A real collector whose clock is set two days ahead and back."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from controlsurface.clock import monotonic_s
from controlsurface.collector.ingest_engine import running_engine as engine_running
from controlsurface.config import Config
from tests.launch import Server, running, until
from tests.serving import serving

RULES = """
groups:
  - {name: g, interval: 1s, rules: [{alert: Beat, heartbeat: true}, {alert: Always, gauge: rules_failed, above: -1}]}
"""


def asked(server: Server, path: str) -> Any:
    return requests.get(server.ready["api"] + path, timeout=30).json()


def counted(server: Server, name: str) -> float:
    text = requests.get(f"{server.ready['api']}/metrics", timeout=30).text
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0


def firing(server: Server) -> set[str]:
    found = asked(server, "/api/v1/alerts")["data"]["alerts"]
    return {each["labels"]["alertname"] for each in found if each["state"] == "firing"}


def test_a_running_collector_survives_a_clock_that_goes_two_days_ahead_and_back(tmp_path: Path) -> None:
    ahead, rules, config = tmp_path / "ahead", tmp_path / "r.yaml", tmp_path / "c.toml"
    ahead.write_text("0")
    rules.write_text(RULES)
    config.write_text("[alerts]\nshipped = false\n")
    flags = ("--data", str(tmp_path / "data"), "--config", str(config), "--alerts", str(rules))
    with running(("tests.clock.stepped", str(ahead), *flags), tmp_path) as server:
        server.wait_for("api")
        until(lambda: firing(server) == {"Beat", "Always"})
        ahead.write_text("172800")
        until(lambda: "was set 2 days" in str(asked(server, "/readyz").get("warnings")))
        assert "ready" in asked(server, "/readyz")
        ahead.write_text("0")
        until(lambda: "the machine's clock is back" in server.words.read_text())
        name = "controlsurface_rules_evaluations_total"
        before = counted(server, name)
        until(lambda: counted(server, name) > before)
        assert firing(server) == {"Beat", "Always"}
        assert counted(server, "controlsurface_clock_steps_total") == 1
        assert server.stop() == 0


def test_a_loop_that_stands_still_is_no_ready_server(tmp_path: Path) -> None:
    with engine_running(tmp_path, Config()) as engine, serving(engine.reader()) as url:
        engine.liveness.beat(timedelta(minutes=1))
        assert requests.get(f"{url}/readyz", timeout=30).json() == {"ready": True, "reasons": []}
        engine.liveness._last = (monotonic_s() - 400, 300)
        answer = requests.get(f"{url}/readyz", timeout=30)
        assert answer.status_code == 503
        assert answer.json()["reasons"] == ["alerting stands still: no rule was evaluated for 400 s"]
        assert "controlsurface_ready 0" in requests.get(f"{url}/metrics", timeout=30).text
        engine.liveness.end()
