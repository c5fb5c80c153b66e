"""Delivery at work: one thread that decides, and one for each notifier, so that one that hangs holds up no other."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_network

from controlsurface.alerting.delivery import outbox
from controlsurface.alerting.delivery.grouping import DeliveryPlan, DeliveryState, plan_notifications
from controlsurface.alerting.delivery.notification_payload import compose_payload
from controlsurface.alerting.delivery.outbox_sender import OutboxSender
from controlsurface.alerting.delivery.routing import NotificationRoute, build_routes
from controlsurface.alerting.delivery.silences import Silence
from controlsurface.alerting.delivery.suppression import InhibitionRule, suppression_check
from controlsurface.alerting.model import Episode
from controlsurface.alerting.notifiers import AlertNotifier, EgressPolicy, create_notifier
from controlsurface.alerting.rules.rule_models import HeartbeatRule
from controlsurface.client import Client
from controlsurface.clock import wall_time
from controlsurface.config.alert_delivery import DeliveryConfig as Section
from controlsurface.errors import ConfigError, ControlSurfaceError
from controlsurface.store.duckdb import DuckStore

TICK_S = 1.0
STOP_TIMEOUT_S = 3.0  # for threads that are asked to end

WallClock = Callable[[], datetime]
LivenessCheck = Callable[[], bool]

_log = logging.getLogger("delivery")


def always_alive() -> bool:
    """Nobody doubts that rules are evaluated."""
    return True


def create_notifiers(section: Section, now: WallClock = wall_time) -> dict[str, AlertNotifier]:
    """The configured notifiers by name. Raises ConfigError naming the one that cannot be."""
    gate = EgressPolicy(tuple(map(ip_network, section.allow_networks)))
    found = {}
    for name, channel in section.notifiers.items():
        try:
            found[name] = create_notifier(channel, gate, now)
        except ConfigError as problem:
            raise ConfigError(f"delivery.notifiers.{name}: {problem}") from None
    return found


class Dispatcher:
    """Decides who is to be told what, from the rows of the store alone: it can be ended at any moment.

    While rules are not evaluated (`alive`), heartbeats are held back: whoever listens for them must miss them.
    """

    def __init__(self, store: DuckStore, section: Section, alive: LivenessCheck = always_alive) -> None:
        self._store = store
        self._routes = build_routes(section)
        self._rules = [InhibitionRule.of(each) for each in section.inhibit]
        self._alive = alive

    def tick(self, now: datetime) -> list[str]:
        """One look; the notifiers that have something new to send."""

        def look(desk: DeliveryState, silences: Sequence[Silence]) -> DeliveryPlan:
            muted, alive = suppression_check(desk.episodes, silences, self._rules, now), self._alive()

            def held(episode: Episode, route: NotificationRoute) -> bool:
                return muted(episode, route) or (not alive and episode.facts.kind == HeartbeatRule.kind)

            return plan_notifications(desk, self._routes, held, now)

        return outbox.queue_notifications(self._store, look, now)


class DeliveryService:
    """The threads. `start` raises ConfigError when a notifier cannot be made."""

    def __init__(
        self,
        store: DuckStore,
        reader: Client,
        section: Section,
        now: WallClock = wall_time,
        alive: LivenessCheck = always_alive,
    ) -> None:
        self._store = store
        self._now = now
        self._dispatcher = Dispatcher(store, section, alive)
        self._senders: Mapping[str, OutboxSender] = {
            name: OutboxSender(
                store,
                name,
                notifier,
                lambda message: compose_payload(reader, message, section.dashboard, now()),
                give_up=section.give_up,
                per_minute=section.notifiers[name].per_minute,
                now=now,
                longest_wait=section.longest_wait,
            )
            for name, notifier in create_notifiers(section, now).items()
        }
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Begin; what waited before the last end is sent first."""
        outbox.discard_orphans(self._store, list(self._senders))
        for sender in self._senders.values():
            sender.start()
        self._thread.start()

    def stop(self) -> None:
        """End; what is under way for longer than STOP_TIMEOUT_S is tried again after the next start."""
        self._stopping.set()
        for sender in self._senders.values():
            sender.ask_to_stop()
        self._thread.join(STOP_TIMEOUT_S)
        for sender in self._senders.values():
            sender.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        while not self._stopping.wait(TICK_S):
            try:
                for name in self._dispatcher.tick(self._now()):
                    self._senders[name].wake()
            except ControlSurfaceError as problem:
                _log.warning("cannot decide on messages now: %s", problem)
            except Exception:  # noqa: BLE001 - a mistake at one look must not end all later ones
                _log.exception("a look at the alerts failed; the next one is in %g s", TICK_S)
