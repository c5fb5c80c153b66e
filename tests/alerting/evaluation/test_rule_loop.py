"""The loop: rules that change meanwhile, files that break, a process that is killed."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controlsurface.alerting.evaluation import alert_store, rule_loop
from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_loop import RuleLoop
from controlsurface.alerting.rules.rule_loader import RulePaths
from controlsurface.store.duckdb import DuckStore
from tests.alerting.evaluation import rule_loop_process
from tests.alerting.rule_sets import DeliveredAlerts
from tests.stores import make_slow, put

RULE = """
groups:
  - name: g
    interval: 1s
    rules:
      - {alert: NAME, heartbeat: true}
"""


@pytest.fixture
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    yield made
    made.close()


def loop_over(store: DuckStore, path: Path) -> RuleLoop:
    return RuleLoop(store, RulePaths((path,)), EvaluationContext(store), DeliveredAlerts())


def within(seconds: float, true: object) -> None:
    until = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.02)


def names(store: DuckStore) -> list[str]:
    return [row["rule"] for row in store.state("SELECT rule FROM alerts WHERE state = 'firing'").to_pylist()]


def problem(store: DuckStore) -> str:
    found = alert_store.load_loop_status(store)
    return (found and found.problem) or ""


def test_the_rule_loop_evaluates_reloads_and_keeps_the_last_good_rules(
    store: DuckStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(RULE.replace("NAME", "First"), "utf-8")
    loop = loop_over(store, path).start()
    try:
        within(60, lambda: names(store) == ["First"])
        path.write_text(RULE.replace("NAME", "Second").replace("heartbeat", "heartbeet"), "utf-8")
        loop.reload()
        within(60, lambda: "did you mean 'heartbeat'?" in problem(store))
        assert names(store) == ["First"]
        path.write_text(RULE.replace("NAME", "Second"), "utf-8")
        loop.reload()
        within(60, lambda: names(store) == ["Second"])
        assert not problem(store)
    finally:
        loop.stop()
    assert "rules were not evaluated" not in caplog.text


def test_a_rule_file_broken_at_the_start_leaves_the_rules_of_the_last_run(store: DuckStore, tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(RULE.replace("NAME", "First"), "utf-8")
    loop_over(store, path).start().stop()
    path.write_text("groups: [", "utf-8")
    loop = loop_over(store, path).start()
    try:
        within(60, lambda: names(store) == ["First"])
    finally:
        loop.stop()
    assert "r.yaml:1:" in problem(store)


def test_an_evaluation_that_takes_for_ever_does_not_hold_up_the_end_and_is_no_error(
    store: DuckStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule_loop, "STOP_GRACE_S", 0.1)
    put(store, [{"started_at": datetime.now(UTC) - timedelta(minutes=30)}])  # amid the rule's window
    make_slow(store)
    path = tmp_path / "r.yaml"
    slow = RULE.replace("NAME, heartbeat: true", "NAME, metric: requests, over: 1h, above: 0")
    path.write_text(slow, "utf-8")
    loop = loop_over(store, path).start()
    within(60, lambda: store._reading)
    began = time.monotonic()
    loop.stop()
    assert time.monotonic() - began < 10
    assert store.state("FROM alert_rules WHERE health = 'err' OR last_evaluation IS NOT NULL").num_rows == 0


def test_a_killed_rule_loop_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "tests.alerting.evaluation.rule_loop_process", str(tmp_path / "killed")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == 12:
                process.send_signal(signal.SIGKILL)
                break
    killed = rule_loop_process.run_simulated_minutes(tmp_path / "killed", 25)
    assert killed == rule_loop_process.run_simulated_minutes(tmp_path / "whole", 25)
    assert len(killed) > 6
