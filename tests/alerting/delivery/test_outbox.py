"""From an alert to a message and out: rows in one store, notifiers that fail, a clock that is moved by hand.

Three cases are Alertmanager's own (prometheus/alertmanager, test/with_api_v2/acceptance/send_test.go): TestRetry,
TestWebhookTimeout and TestReload. What fails is tried again until it is given up, where theirs is dropped once the
group is looked at again; and a new start leaves groups their time, where theirs wait anew.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from controlsurface.alerting.delivery import outbox
from controlsurface.alerting.delivery.dispatcher import Dispatcher
from controlsurface.alerting.delivery.outbox_sender import OutboxSender, retry_wait_s
from controlsurface.alerting.model import Alert, RuleReading, label_set
from controlsurface.alerting.notifiers.notifier_base import AlertNotifier, NotificationPayload
from controlsurface.alerting.rules.rule_models import HeartbeatRule
from controlsurface.api.prometheus_metrics import Exposition
from controlsurface.client import LocalClient
from controlsurface.config.alert_delivery import DeliveryConfig
from controlsurface.errors import Refused, Undelivered
from controlsurface.store.duckdb import DuckStore
from tests.alerting.episode_clock import EPOCH

RULE = HeartbeatRule(alert="Beat", heartbeat=True)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
OPS = DeliveryConfig.model_validate({"notifiers": {"ops": {"kind": "webhook", "url": "http://127.0.0.1"}}})


def alert(at: datetime = EPOCH, **more: str) -> Alert:
    known = label_set({"alertname": "Beat"}, more)
    return Alert("Beat", known, "firing", at, RuleReading({}, True), at, fired_at=at)


@dataclass
class Receiver:
    """A notifier that does what it is told to."""

    errors: list[Exception] = field(default_factory=list)
    got: list[NotificationPayload] = field(default_factory=list)

    def send(self, payload: NotificationPayload) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.got.append(payload)


@dataclass
class Bench:
    """A store, its dispatcher and one sender."""

    store: DuckStore
    receiver: Receiver = field(default_factory=Receiver)
    now: datetime = EPOCH
    composed: int = 0
    section: DeliveryConfig = OPS

    def __post_init__(self) -> None:
        self.dispatcher = Dispatcher(self.store, self.section)
        self.sender = self.sending("ops", self.receiver)

    def sending(self, name: str, receiver: AlertNotifier, per_minute: int = 60) -> OutboxSender:
        give_up = timedelta(minutes=20)
        return OutboxSender(self.store, name, receiver, self.compose, give_up, per_minute, lambda: self.now)

    def compose(self, message: outbox.OutboxMessage) -> dict[str, Any]:
        self.composed += 1
        return {"id": message.id, "reason": message.reason, "firing": [each.key for each in message.firing]}

    def take(self, *alerts: Alert) -> None:
        with self.store.writing() as writing:
            outbox.enqueue_alerts(writing, [(RULE, each) for each in alerts], self.now)

    def run(self, length: timedelta, step: timedelta = 30 * SECOND) -> None:
        until = self.now + length
        while self.now < until:
            self.now += step
            self.dispatcher.tick(self.now)
            while self.sender.step() == 0:
                pass

    def rows(self, columns: str = "state, attempts, problem") -> list[dict[str, Any]]:
        return self.store.state(f"SELECT {columns} FROM outbox ORDER BY number").to_pylist()


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    yield made
    made.close()


@pytest.fixture
def bench(store: DuckStore) -> Bench:
    """With nothing of what other tests left."""
    with store.writing() as writing:
        for table in ("alert_episodes", "alert_groups", "notification_log", "notification_counts", "outbox"):
            writing.execute(f"DELETE FROM {table}")
    return Bench(store)


def test_an_alert_is_sent_once_and_its_resolution_once(bench: Bench) -> None:
    bench.take(alert())
    bench.run(3 * MINUTE)
    bench.take(replace(alert(), state="resolved", resolved_at=bench.now))
    bench.run(10 * MINUTE)
    assert [got["reason"] for got in bench.receiver.got] == ["new", "resolved"]
    assert bench.rows() == [{"state": "sent", "attempts": 1, "problem": None}] * 2
    assert bench.store.state("FROM alert_episodes").num_rows == 0


def test_repeated_evaluations_of_an_alert_add_no_notification(bench: Bench) -> None:
    over = replace(alert(), state="resolved", resolved_at=EPOCH + 2 * MINUTE)
    for _ in range(6):
        bench.take(alert())
        bench.run(MINUTE / 3)
    for _ in range(6):
        bench.take(over)
        bench.run(2 * MINUTE)
    assert [got["reason"] for got in bench.receiver.got] == ["new", "resolved"]


def test_an_alert_that_goes_back_to_pending_is_resolved(bench: Bench) -> None:
    bench.take(alert())
    bench.run(MINUTE)
    bench.take(replace(alert(), state="pending", fired_at=None))
    bench.run(6 * MINUTE)
    assert [got["reason"] for got in bench.receiver.got] == ["new", "resolved"]


def test_a_transaction_that_fails_takes_its_alerts_along(bench: Bench) -> None:
    with suppress(ZeroDivisionError), bench.store.writing() as writing:
        outbox.enqueue_alerts(writing, [(RULE, alert())], EPOCH)
        raise ZeroDivisionError
    bench.run(MINUTE)
    assert bench.receiver.got == []


def test_a_failed_notification_is_retried_with_the_same_payload_and_never_after_success(bench: Bench) -> None:
    bench.receiver.errors = [Undelivered("down"), Undelivered("busy", retry_after_s=90), OSError("a mistake")]
    bench.take(alert())
    bench.run(10 * MINUTE)
    assert len(bench.receiver.got) == bench.composed == 1
    assert bench.rows() == [{"state": "sent", "attempts": 4, "problem": None}]


def test_a_receiver_is_left_alone_for_as_long_as_its_retry_after(bench: Bench) -> None:
    bench.receiver.errors = [Undelivered("busy", retry_after_s=600)]
    bench.take(alert())
    bench.run(10 * MINUTE)
    assert bench.receiver.got == []
    assert bench.rows() == [{"state": "waiting", "attempts": 1, "problem": "busy"}]
    bench.run(2 * MINUTE)
    assert len(bench.receiver.got) == 1


def test_a_refused_notification_is_marked_dead_and_its_group_notified_anew(bench: Bench) -> None:
    bench.receiver.errors = [Refused("answered 404")]
    bench.take(alert())
    bench.run(MINUTE)
    assert bench.rows() == [{"state": "dead", "attempts": 1, "problem": "answered 404"}]
    bench.run(5 * MINUTE)
    assert [got["reason"] for got in bench.receiver.got] == ["new"]


def test_notification_counters_for_prometheus_outlive_the_outbox_rows(bench: Bench) -> None:
    bench.receiver.errors = [Undelivered("down"), Refused("answered 404")]
    bench.take(alert())
    bench.run(10 * MINUTE)
    with bench.store.writing() as writing:
        writing.execute("DELETE FROM outbox")
    bench.take(alert(lane="small"))
    bench.receiver.errors = [Undelivered("down", retry_after_s=900)]
    bench.run(MINUTE)
    scraped = Exposition(LocalClient(bench.store, dict)).render()
    counts = {"sent_total": 1, "errors_total": 3, "dropped_total": 1, "queue_length": 1}
    for name, count in counts.items():
        assert f'controlsurface_notifications_{name}{{notifier="ops"}} {count}.0\n' in scraped


@dataclass
class LateNotifier:
    """A notifier that answers from some moment on."""

    bench: Bench
    second: float

    def send(self, payload: NotificationPayload) -> None:
        if self.bench.now < EPOCH + self.second * SECOND:
            raise Undelivered("down")
        self.bench.receiver.send(payload)


def published(store: DuckStore, **route: Any) -> Bench:
    """A bench with one route to `ops` and `late`, looked at every half second."""
    hook = {"kind": "webhook", "url": "http://127.0.0.1"}
    routes = [{"notifiers": ["ops", "late"], "group_by": ["alertname"], "group_wait": "1s"} | route]
    return Bench(
        store, section=DeliveryConfig.model_validate({"notifiers": {"ops": hook, "late": hook}, "routes": routes})
    )


def sent_at(bench: Bench, notifier: str) -> list[tuple[str, float]]:
    """Why and at which second a notifier was sent something."""
    rows = bench.rows("notifier, reason, sent_at")
    since = EPOCH
    return [
        (row["reason"], (row["sent_at"] - since) / SECOND)
        for row in rows
        if row["notifier"] == notifier and row["sent_at"] is not None
    ]


def test_a_failing_notifier_holds_up_no_other_and_is_notified_in_the_end(bench: Bench) -> None:
    bench = published(bench.store, group_interval="2s", repeat_interval="3s")
    late = bench.sending("late", LateNotifier(bench, 4.5))
    bench.now = EPOCH + SECOND
    bench.take(alert(bench.now))
    for _ in range(2 * 12):
        bench.run(SECOND / 2, SECOND / 2)
        late.step()
    assert sent_at(bench, "ops")[:2] == [("new", 2.5), ("repeat", 6.5)]
    reason, second = sent_at(bench, "late")[0]
    assert (reason, 4.5 <= second <= 10) == ("new", True)


def test_a_timed_out_notification_is_retried_long_before_the_next_group_interval(bench: Bench) -> None:
    bench = published(bench.store, group_interval="1m", repeat_interval="1m")
    late = bench.sending("late", LateNotifier(bench, 3))
    bench.take(alert())
    for _ in range(2 * 6):
        bench.run(SECOND / 2, SECOND / 2)
        late.step()
    ((reason, second),) = sent_at(bench, "late")
    assert (reason, 3 <= second <= 6) == ("new", True)


def test_a_restarted_dispatcher_repeats_no_notification_and_keeps_group_intervals(bench: Bench) -> None:
    bench = published(bench.store, group_by=[], group_interval="6s", repeat_interval="10m")
    bench.now = EPOCH + SECOND
    bench.take(alert(bench.now))
    bench.run(2 * SECOND, SECOND / 2)
    bench.dispatcher, bench.sender = Dispatcher(bench.store, bench.section), bench.sending("ops", bench.receiver)
    bench.run(SECOND, SECOND / 2)
    bench.take(alert(bench.now, lane="small"))
    bench.run(6 * SECOND, SECOND / 2)
    assert sent_at(bench, "ops") == [("new", 2.5), ("grown", 8.5)]
    assert [len(got["firing"]) for got in bench.receiver.got] == [1, 2]


def test_a_notification_that_fails_for_too_long_is_given_up(bench: Bench) -> None:
    bench.receiver.errors = [Undelivered("down")] * 100
    bench.take(alert())
    bench.run(timedelta(minutes=36), 2 * MINUTE)
    assert bench.rows()[0]["state"] == "dead"


def test_notifications_of_one_group_keep_their_order_and_other_groups_pass(bench: Bench) -> None:
    bench.receiver.errors = [Undelivered("down", retry_after_s=600)]
    bench.take(alert(lane="small"))
    bench.run(MINUTE)
    bench.take(replace(alert(lane="small"), state="resolved", resolved_at=bench.now), alert(bench.now, lane="large"))
    bench.run(7 * MINUTE)
    assert [got["reason"] for got in bench.receiver.got] == ["new"]  # of the other lane
    bench.run(5 * MINUTE)
    assert [got["reason"] for got in bench.receiver.got] == ["new", "new", "resolved"]


def test_a_notifier_sends_no_more_than_its_limit_per_minute(bench: Bench) -> None:
    bench.sender = bench.sending("ops", bench.receiver, per_minute=2)
    bench.take(*(alert(lane=str(i)) for i in range(5)))
    bench.run(MINUTE)
    assert len(bench.receiver.got) == 2
    bench.run(2 * MINUTE)
    assert len(bench.receiver.got) == 5


def test_a_waiting_notification_survives_a_restart(bench: Bench) -> None:
    bench.take(alert())
    for _ in range(8):
        bench.now += 5 * SECOND
        Dispatcher(bench.store, OPS).tick(bench.now)  # as after a kill -9: nothing but the store is left
    bench.sending("ops", bench.receiver).step()
    assert len(bench.receiver.got) == 1
    assert len(bench.rows()) == 1


@pytest.mark.parametrize(("attempts", "low", "high"), [(0, 0.5, 1), (3, 4, 8), (50, 150, 300)])
def test_retry_waits_double_and_half_of_each_is_random(attempts: int, low: float, high: float) -> None:
    ends: list[Callable[[], float]] = [lambda: 0.0, lambda: 1.0]
    assert [retry_wait_s(attempts, luck=end) for end in ends] == [low, high]
    assert retry_wait_s(attempts, 1000) == 1000


def test_a_notification_for_a_removed_notifier_is_given_up(bench: Bench) -> None:
    bench.receiver.errors = [Undelivered("down", retry_after_s=900)]
    bench.take(alert())
    bench.run(MINUTE)
    outbox.discard_orphans(bench.store, ["ops"])
    assert bench.rows("state") == [{"state": "waiting"}]
    outbox.discard_orphans(bench.store, [])
    assert bench.rows("state, problem") == [{"state": "dead", "problem": "there is no such notifier any more"}]
