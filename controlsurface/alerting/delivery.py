"""Delivery at work: one thread that decides, and one for each notifier, so that one that hangs holds up no other."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_network

from controlsurface.alerting import outbox
from controlsurface.alerting.episodes import Episode
from controlsurface.alerting.grouping import Desk, Plan, plan
from controlsurface.alerting.inhibition import Rule
from controlsurface.alerting.muting import muting
from controlsurface.alerting.notifiers import Gate, Notifier, made
from controlsurface.alerting.payload import composed
from controlsurface.alerting.routing import Route, routes
from controlsurface.alerting.rules import HeartbeatRule
from controlsurface.alerting.sender import Sender
from controlsurface.alerting.silences import Silence
from controlsurface.channels import Delivery as Section
from controlsurface.clock import wall
from controlsurface.errors import ConfigError, ControlSurfaceError
from controlsurface.reader import Reader
from controlsurface.store.duckdb import DuckStore

TICK_S = 1.0
PATIENCE_S = 3.0  # for threads that are asked to end

Clock = Callable[[], datetime]
Alive = Callable[[], bool]

_log = logging.getLogger("delivery")


def always() -> bool:
    """Nobody doubts that rules are evaluated."""
    return True


def notifiers(section: Section) -> dict[str, Notifier]:
    """The configured notifiers by name. Raises ConfigError naming the one that cannot be."""
    gate = Gate(tuple(map(ip_network, section.allow_networks)))
    found = {}
    for name, channel in section.notifiers.items():
        try:
            found[name] = made(channel, gate)
        except ConfigError as problem:
            raise ConfigError(f"delivery.notifiers.{name}: {problem}") from None
    return found


class Dispatcher:
    """Decides who is to be told what, from the rows of the store alone: it can be ended at any moment.

    While rules are not evaluated (`alive`), heartbeats are held back: whoever listens for them must miss them.
    """

    def __init__(self, store: DuckStore, section: Section, alive: Alive = always) -> None:
        self._store = store
        self._routes = routes(section)
        self._rules = [Rule.of(each) for each in section.inhibit]
        self._alive = alive

    def tick(self, now: datetime) -> list[str]:
        """One look; the notifiers that have something new to send."""

        def look(desk: Desk, silences: Sequence[Silence]) -> Plan:
            muted, alive = muting(desk.episodes, silences, self._rules, now), self._alive()

            def held(episode: Episode, route: Route) -> bool:
                return muted(episode, route) or (not alive and episode.facts.kind == HeartbeatRule.kind)

            return plan(desk, self._routes, held, now)

        return outbox.decide(self._store, look, now)


class Delivery:
    """The threads. `start` raises ConfigError when a notifier cannot be made."""

    def __init__(
        self, store: DuckStore, reader: Reader, section: Section, now: Clock = wall, alive: Alive = always
    ) -> None:
        self._store = store
        self._now = now
        self._dispatcher = Dispatcher(store, section, alive)
        self._senders: Mapping[str, Sender] = {
            name: Sender(
                store,
                name,
                notifier,
                lambda message: composed(reader, message, section.dashboard, now()),
                give_up=section.give_up,
                per_minute=section.notifiers[name].per_minute,
                now=now,
                longest_wait=section.longest_wait,
            )
            for name, notifier in notifiers(section).items()
        }
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Begin; what waited before the last end is sent first."""
        outbox.orphaned(self._store, list(self._senders))
        for sender in self._senders.values():
            sender.start()
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way for longer than PATIENCE_S is tried again after the next start."""
        self._stopping.set()
        for sender in self._senders.values():
            sender.ask_to_stop()
        self._thread.join(PATIENCE_S)
        for sender in self._senders.values():
            sender.join(PATIENCE_S)

    def _run(self) -> None:
        while not self._stopping.wait(TICK_S):
            try:
                for name in self._dispatcher.tick(self._now()):
                    self._senders[name].wake()
            except ControlSurfaceError as problem:
                _log.warning("cannot decide on messages now: %s", problem)
            except Exception:  # noqa: BLE001 - a mistake at one look must not end all later ones
                _log.exception("a look at the alerts failed; the next one is in %g s", TICK_S)
