"""One notifier's thread: it tries messages of the outbox, in order within a group, until they are sent or given up."""

import logging
import math
import random
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from controlsurface.alerting.delivery import outbox
from controlsurface.alerting.delivery.outbox import OutboxMessage
from controlsurface.alerting.notifiers import AlertNotifier
from controlsurface.errors import ControlSurfaceError, Refused, Undelivered
from controlsurface.store.duckdb import DuckStore

FIRST_RETRY_WAIT_S = 1.0
MAX_BACKOFF_S = 300.0  # of our own accord
MAX_RETRY_AFTER = timedelta(hours=1)  # however long a receiver asks for
IDLE_POLL_INTERVAL_S = 60.0  # between looks when nothing waits and nobody wakes it
ONE_MINUTE = timedelta(minutes=1)

ComposePayload = Callable[[OutboxMessage], Mapping[str, Any]]

_log = logging.getLogger("delivery")


def retry_wait_s(
    attempts: int,
    asked_s: float | None = None,
    luck: Callable[[], float] = random.random,
    longest: timedelta = MAX_RETRY_AFTER,
) -> float:
    """Seconds until the next attempt: doubled each time, half of it left to chance, and as many as were asked for.

    Never more than `longest`. What is no number of seconds counts as not asked for.
    """
    own: float = min(MAX_BACKOFF_S, FIRST_RETRY_WAIT_S * 2 ** min(attempts, 20)) * (0.5 + luck() / 2)
    asked = asked_s if asked_s is not None and math.isfinite(asked_s) else 0.0
    return min(max(asked, own), longest.total_seconds())


class OutboxSender:
    """Sends for one notifier."""

    def __init__(
        self,
        store: DuckStore,
        name: str,
        notifier: AlertNotifier,
        compose: ComposePayload,
        give_up: timedelta,
        per_minute: int,
        now: Callable[[], datetime],
        longest_wait: timedelta = MAX_RETRY_AFTER,
    ) -> None:
        self._store = store
        self._name = name
        self._notifier = notifier
        self._compose = compose
        self._give_up = give_up
        self._longest_wait = longest_wait
        self._now = now
        self._lately: deque[datetime] = deque(maxlen=per_minute)
        self._stopping = threading.Event()
        self._called = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"notifier {name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something new."""
        self._called.set()

    def ask_to_stop(self) -> None:
        """End after what is under way."""
        self._stopping.set()
        self._called.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._called.clear()
            try:
                idle_s = self.step()
            except Exception:  # noqa: BLE001 - a mistake with one message must not end all later ones
                if not self._stopping.is_set():
                    _log.exception("%s: the outbox cannot be read or written", self._name)
                idle_s = FIRST_RETRY_WAIT_S
            if idle_s and not self._stopping.is_set():
                self._called.wait(idle_s)

    def step(self) -> float:
        """Try one message; seconds until there is something to do again."""
        now = self._now()
        if len(self._lately) == self._lately.maxlen and abs(now - self._lately[0]) < ONE_MINUTE:
            return (self._lately[0] + ONE_MINUTE - now).total_seconds()
        message = outbox.next_due_message(self._store, self._name, now, self._longest_wait)
        if message is None:
            return IDLE_POLL_INTERVAL_S
        if message.next_at > now:
            return min(IDLE_POLL_INTERVAL_S, (message.next_at - now).total_seconds())
        self._lately.append(now)
        self._attempt(message)
        return 0.0

    def _attempt(self, message: OutboxMessage) -> None:
        """Send it once, and write down what came of it."""
        try:
            self._notifier.send(self._payload(message))
        except Refused as problem:
            self._bury(message, str(problem))
        except Undelivered as problem:
            self._put_off(message, str(problem), problem.retry_after_s)
        except ControlSurfaceError as problem:
            self._put_off(message, str(problem), None)
        except Exception as problem:  # noqa: BLE001 - the message is tried again, and its problem shown
            _log.exception("%s: a mistake of ours kept a message back", self._name)
            self._put_off(message, f"internal error: {type(problem).__name__}", None)
        else:
            outbox.mark_sent(self._store, message, self._now())

    def _payload(self, message: OutboxMessage) -> Mapping[str, Any]:
        """What is sent, composed once and kept, so that every attempt says the same."""
        if message.payload is not None:
            return message.payload
        payload = self._compose(message)
        outbox.store_payload(self._store, message, payload)
        return payload

    def _put_off(self, message: OutboxMessage, problem: str, asked_s: float | None) -> None:
        now = self._now()
        if now - message.created_at > self._give_up:
            self._bury(message, problem)
            return
        seconds = retry_wait_s(message.attempts, asked_s, longest=min(self._give_up, self._longest_wait))
        again = now + timedelta(seconds=seconds)
        outbox.mark_failed(self._store, message, problem, again)
        _log.warning("%s: attempt %d: %s", self._name, message.attempts + 1, problem)

    def _bury(self, message: OutboxMessage, problem: str) -> None:
        outbox.mark_dead(self._store, message, problem)
        _log.error("%s: message %s is given up: %s", self._name, message.id, problem)
