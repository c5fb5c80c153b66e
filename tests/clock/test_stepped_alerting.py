"""Alerting on a machine whose clock is set: what fires fires on, evaluation goes on, messages are sent.

Schedulers that stand still until the time is what it was: robfig/cron 480, apscheduler 351, dbader/schedule 323,
quartz 270, quartznet 1490, sidekiq-scheduler 283, cuba 3206, gocron 438; airbus/sen 198 walks to the new time step by
step. prometheus-operator/kube-prometheus 2467: a Watchdog that fires whatever has stopped behind it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from controlsurface.alerting.delivery.dispatcher import Dispatcher
from controlsurface.alerting.delivery.outbox import enqueue_alerts
from controlsurface.alerting.evaluation import alert_store
from controlsurface.alerting.evaluation.evaluator import EvaluationContext
from controlsurface.alerting.evaluation.rule_loop import Liveness, RuleLoop
from controlsurface.alerting.rules.rule_loader import RulePaths
from controlsurface.api.prometheus_metrics import Exposition
from controlsurface.client import LocalClient
from controlsurface.config import Config
from controlsurface.config.alert_delivery import DeliveryConfig
from controlsurface.ingest.ingest_counters import IngestCounters
from controlsurface.maintenance.retention_worker import RetentionWorker
from controlsurface.store.duckdb import DuckStore
from tests.alerting.rule_sets import MINUTE, traffic
from tests.clock.machine import Machine

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
OPS = DeliveryConfig.model_validate({"notifiers": {"ops": {"kind": "webhook", "url": "http://127.0.0.1"}}})
RULES = """
groups:
  - name: g
    interval: 30s
    rules:
      - {alert: High, metric: error_rate, by: [lane], over: 5m, above: 0.5, for: 1m, no_data: NO_DATA}
      - {alert: Watchdog, heartbeat: true}
"""


class Place:
    """A store with traffic that fails, and a loop over it that is turned by hand."""

    def __init__(self, store: DuckStore, file: Path, no_data: str = "ok") -> None:
        file.write_text(RULES.replace("NO_DATA", no_data), "utf-8")
        self.store, self.machine, self.file = store, Machine(), file
        self.clock = self.machine.clock(hold=MINUTE)
        self.liveness = Liveness(steady=lambda: self.machine.ran_s)
        self.dispatcher = Dispatcher(store, OPS, lambda: not self.liveness.problem())
        self.begins()

    def begins(self) -> None:
        """A process starts."""
        self.loop = RuleLoop(
            self.store,
            RulePaths((self.file,)),
            EvaluationContext(self.store),
            enqueue_alerts,
            self.clock,
            self.liveness,
        )
        self.loop._look()

    def runs(self, length: timedelta, *, sends: bool = True) -> None:
        """Time passes; failing requests come, stamped by the same clock."""
        until = self.machine.ran_s + length.total_seconds()
        while self.machine.ran_s < until:
            self.machine.runs(30 * SECOND)
            if sends:
                traffic(self.store, self.machine.shown, failed=3)
            self.loop._turn(self.clock())
            self.dispatcher.tick(self.clock())

    def states(self) -> dict[str, str]:
        return {
            rule: alert.state
            for rule, active in alert_store.load_alerts(self.store).items()
            for alert in active.values()
        }

    def evaluations(self) -> int:
        found = alert_store.load_loop_status(self.store)
        return found.evaluations if found else 0

    def resolved(self) -> int:
        return self.store.state("FROM alert_history WHERE state = 'resolved'").num_rows

    def messages(self) -> list[str]:
        return [row["reason"] for row in self.store.state("SELECT reason FROM outbox ORDER BY number").to_pylist()]

    def metrics(self) -> str:
        return Exposition(LocalClient(self.store)).render()


@pytest.fixture
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    yield made
    made.close()


@pytest.fixture
def place(store: DuckStore, tmp_path: Path) -> Place:
    made = Place(store, tmp_path / "r.yaml")
    made.runs(3 * MINUTE)
    assert made.states() == {"High": "firing", "Watchdog": "firing"}
    return made


@pytest.mark.parametrize("by", [2 * DAY, -2 * DAY], ids=["ahead", "back"])
def test_an_alert_fires_through_a_clock_that_is_set_for_30_s_and_evaluation_goes_on(
    place: Place, by: timedelta
) -> None:
    place.machine.is_set(by)
    before = place.evaluations()
    place.runs(30 * SECOND)
    place.machine.is_set(-by)
    place.runs(2 * MINUTE)
    assert place.states() == {"High": "firing", "Watchdog": "firing"}
    assert place.resolved() == 0
    assert place.evaluations() == before + 5
    assert place.messages() == ["new", "new"]


@pytest.mark.parametrize("by", [2 * DAY, -2 * DAY], ids=["ahead", "back"])
def test_an_alert_fires_through_a_clock_that_stays_where_it_was_set(place: Place, by: timedelta) -> None:
    place.machine.is_set(by)
    before = place.evaluations()
    place.runs(8 * MINUTE)
    assert place.clock() == place.machine.shown
    assert place.states() == {"High": "firing", "Watchdog": "firing"}
    assert place.resolved() == 0
    assert place.evaluations() >= before + 15


def test_an_alert_resolves_after_a_step_when_its_cause_is_gone(place: Place) -> None:
    place.machine.is_set(2 * DAY)
    place.runs(2 * MINUTE)
    place.runs(17 * MINUTE, sends=False)
    assert place.states()["High"] == "resolved"


def test_a_clock_that_was_ahead_before_a_restart_does_not_stop_evaluation_after_it(place: Place) -> None:
    place.machine.is_set(2 * DAY)
    place.runs(3 * MINUTE)
    place.machine.is_set(-2 * DAY)
    place.clock = place.machine.clock()
    place.begins()
    before = place.evaluations()
    place.runs(2 * MINUTE)
    assert place.evaluations() >= before + 4
    assert place.states() == {"High": "firing", "Watchdog": "firing"}


def test_a_pending_alert_does_not_fire_because_the_clock_was_set(store: DuckStore, tmp_path: Path) -> None:
    place = Place(store, tmp_path / "r.yaml")
    place.file.write_text(RULES.replace("NO_DATA", "ok").replace("for: 1m", "for: 1h"), "utf-8")
    place.runs(3 * MINUTE)
    place.machine.is_set(2 * DAY)
    place.runs(5 * MINUTE)
    assert place.states()["High"] == "pending"


def test_a_clock_step_is_logged_counted_and_warned_of(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.machine.is_set(2 * DAY)
    place.runs(30 * SECOND)
    found = alert_store.load_loop_status(place.store)
    assert found is not None
    assert "was set 2 days, 0:00:00 ahead" in (found.clock_problem or "")
    place.machine.is_set(-2 * DAY)
    place.runs(30 * SECOND)
    assert "controlsurface_clock_steps_total 1" in place.metrics()
    assert [record.message.split(";")[0] for record in caplog.records if record.name == "clock"] == [
        "the machine's clock was set 2 days, 0:00:00 ahead",
        "the machine's clock is back after 30 s",
    ]


def test_groups_and_repeats_that_a_wrong_clock_put_off_are_due_when_it_is_back(place: Place) -> None:
    place.machine.is_set(2 * DAY)
    place.runs(3 * MINUTE)
    place.machine.is_set(-2 * DAY)
    place.runs(3 * MINUTE)
    traffic(place.store, place.machine.shown, lane="large", failed=9)
    place.runs(7 * MINUTE)
    assert place.messages() == ["new", "new", "new"]


def test_the_watchdog_is_silent_while_rules_are_not_evaluated(place: Place) -> None:
    with place.store.writing() as writing:
        writing.execute("UPDATE outbox SET state = 'sent'")
    for _ in range(6):
        place.machine.runs(3600 * SECOND)
        place.dispatcher.tick(place.clock())
    assert "stands still: no rule was evaluated for 21600 s" in place.liveness.problem()
    payload = place.store.state("SELECT labels FROM outbox WHERE reason = 'repeat'").to_pylist()
    assert [row["labels"] for row in payload] == ['{"alertname":"High","lane":"small"}']
    place.runs(MINUTE)
    assert place.liveness.problem() == ""


def test_an_evaluation_that_fails_again_and_again_is_no_sign_of_life(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(now: datetime) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(place.loop._engine, "tick", broken)
    place.runs(6 * MINUTE)
    assert "alerting stands still" in place.liveness.problem()


def test_retention_removes_nothing_by_a_clock_that_has_just_been_set(store: DuckStore) -> None:
    machine = Machine()
    keeper = RetentionWorker(store, Config(), clock=machine.clock())
    machine.runs(2 * MINUTE)
    assert keeper._is_due()
    machine.is_set(1000 * DAY)
    for _ in range(23):
        machine.runs(timedelta(hours=1))
        assert not keeper._is_due()
    machine.runs(timedelta(hours=3))
    assert keeper._is_due()


def test_a_time_of_receipt_in_the_future_is_not_the_newest_for_days(monkeypatch: pytest.MonkeyPatch) -> None:
    now_ns = 1_790_000_000 * 10**9
    monkeypatch.setattr("time.time_ns", lambda: now_ns)
    counters = IngestCounters()
    counters.take(10, 0, 100, now_ns + 2 * 86_400 * 10**9)
    counters.mark(last_stored_received_ns=now_ns + 2 * 86_400 * 10**9)
    counters.add(stored=10)
    counters.take(10, 0, 100, now_ns - 9 * 10**9)
    assert counters.snapshot()["lag_ms"] == 9000
    assert counters.snapshot()["last_accepted_ns"] == now_ns - 9 * 10**9
    counters.mark(last_stored_received_ns=now_ns)
    assert counters.snapshot()["last_stored_received_ns"] == now_ns
