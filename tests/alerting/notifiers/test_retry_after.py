"""Whatever a receiver writes into Retry-After, the attempt is written down, tried again, and given up one day."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.alerting.delivery import outbox
from controlsurface.alerting.delivery.dispatcher import Dispatcher
from controlsurface.alerting.delivery.outbox_sender import OutboxSender, retry_wait_s
from controlsurface.alerting.notifiers import EgressPolicy, create_notifier
from controlsurface.config.alert_delivery import DeliveryConfig
from controlsurface.errors import Undelivered
from controlsurface.store.duckdb import DuckStore
from tests.alerting.delivery.test_outbox import RULE, alert
from tests.alerting.episode_clock import EPOCH
from tests.alerting.fake_receivers import FakeReceiver, http_sink

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
GATE = EgressPolicy((ip_network("127.0.0.0/8"),))

# urllib3 3743 (9999999999), openai-agents-python 4021 and 4555 (inf, Infinity, nan, 1e400), atlassian-python-api 1615
# (1e309), hermes-agent 105557 (-inf), tavily-python 166 (-5), openai-python 3799 (overflow), metagraphed 636.
SAID = [
    *("9999999999", "inf", "Infinity", "-inf", "nan", "1e400", "1e309", "1e18", "-5", "-1e400", "9" * 400),
    *("Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 99999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"),
    *("Mon, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 2099 23:59:59 -0000", "soon", "", "1_000", "0x10", "12, 13"),
]


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    made_ = DuckStore.in_memory()
    yield made_
    made_.close()


class Attempts:
    """One message to a receiver that says `said` with every 503, and a clock that is moved by hand."""

    def __init__(self, store: DuckStore, sink: FakeReceiver) -> None:
        self.store, self.now = store, EPOCH + MINUTE
        with store.writing() as writing:
            for table in ("alert_episodes", "alert_groups", "notification_log", "outbox"):
                writing.execute(f"DELETE FROM {table}")
            outbox.enqueue_alerts(writing, [(RULE, alert())], EPOCH - HOUR)
        channel = {"kind": "webhook", "url": sink.url}
        section = DeliveryConfig.model_validate({"notifiers": {"ops": channel}, "allow_networks": ["127.0.0.0/8"]})
        dispatcher = Dispatcher(store, section)
        dispatcher.tick(EPOCH)
        dispatcher.tick(self.now)
        notifier = create_notifier(section.notifiers["ops"], GATE)
        self.sender = OutboxSender(store, "ops", notifier, self.composed, 6 * HOUR, 60, lambda: self.now)

    def composed(self, message: outbox.OutboxMessage) -> dict[str, Any]:
        return {"id": message.id}

    def row(self) -> dict[str, Any]:
        (row,) = self.store.state("SELECT state, attempts, problem, next_at FROM outbox").to_pylist()
        return row


@pytest.mark.parametrize("said", SAID)
def test_an_attempt_is_stored_whatever_retry_after_says(store: DuckStore, said: str) -> None:
    with http_sink((503, {"Retry-After": said}, b"")) as sink:
        attempts = Attempts(store, sink)
        assert attempts.sender.step() == 0
        row = attempts.row()
    assert (row["state"], row["attempts"]) == ("waiting", 1)
    assert row["problem"] == "127.0.0.1: answered 503"
    assert timedelta() < row["next_at"] - (EPOCH + MINUTE) <= HOUR


@pytest.mark.parametrize("said", ["inf", "9999999999"])
def test_a_notification_is_given_up_however_long_retry_after_is(store: DuckStore, said: str) -> None:
    with http_sink((503, {"Retry-After": said}, b"")) as sink:
        attempts = Attempts(store, sink)
        while attempts.row()["state"] == "waiting":
            assert len(sink.got) < 200
            attempts.sender.step()
            attempts.now += timedelta(minutes=10)
    assert attempts.row()["state"] == "dead"
    assert attempts.row()["attempts"] == len(sink.got) > 5


@given(st.floats() | st.none(), st.integers(0, 10_000))
def test_a_retry_wait_is_always_more_than_zero_and_at_most_an_hour(asked_s: float | None, attempts: int) -> None:
    assert 0 < retry_wait_s(attempts, asked_s) <= 3600


def test_a_problem_text_that_no_column_can_hold_is_stored_in_part(store: DuckStore) -> None:
    with http_sink() as sink:
        attempts = Attempts(store, sink)
    message = outbox.next_due_message(store, "ops", attempts.now, HOUR)
    assert message is not None
    outbox.mark_failed(store, message, "\ud800\0" + "x" * 10_000, EPOCH)
    assert attempts.row()["problem"] == "??" + "x" * 998


def test_a_notifier_with_an_endless_retry_after_is_retried_within_the_hour(store: DuckStore) -> None:
    with http_sink() as sink:
        attempts = Attempts(store, sink)
    attempts.sender._notifier = Eternal()
    attempts.sender.step()
    assert attempts.row()["attempts"] == 1


class Eternal:
    def send(self, payload: object) -> None:
        raise Undelivered("busy", float("inf"))
