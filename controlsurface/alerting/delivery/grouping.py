"""Which episodes make one message, and whether it is due: Alertmanager's groups and log, on a given clock."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from controlsurface.alerting.delivery.routing import NotificationRoute, RouteTarget, route_keys
from controlsurface.alerting.model import Episode

NotificationReason = Literal["new", "grown", "resolved", "partly resolved", "repeat"]

Keys = AbstractSet[str]  # of episodes

CLOCK_SKEW_TOLERANCE = timedelta(minutes=1)  # what a clock may be corrected by
NO_EPISODES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What a notifier was last told about a group: the keys of the episodes that fired and that were over."""

    firing: frozenset[str] = NO_EPISODES
    resolved: frozenset[str] = NO_EPISODES
    at: datetime | None = None  # None: nobody knows, so it is long ago


def needs_update(
    last: LogEntry | None, firing: Keys, resolved: Keys, repeat: timedelta, wants_resolved: bool, now: datetime
) -> NotificationReason | None:
    """Why the group must be told now, or None.

    Nothing logged: iff something fires. The firing set grew: yes. Nothing fires: iff the last entry had firing alerts.
    The resolved set grew and the notifier wants resolutions: yes. Else only after `repeat` (Alertmanager, notify).
    """
    if last is None:
        return "new" if firing else None
    if not firing <= last.firing:
        return "grown"
    if not firing:
        return "resolved" if last.firing else None
    if wants_resolved and not resolved <= last.resolved:
        return "partly resolved"
    return "repeat" if _is_repeat_due(last.at, repeat, now) else None


def needs_forwarding(
    last: LogEntry | None, firing: Keys, resolved: Keys, resend: timedelta, now: datetime
) -> NotificationReason | None:
    """Why a receiver that groups by itself must be told now: at each change, and every `resend` (Prometheus, rules)."""
    if not firing and not resolved:
        return None
    if last is None or not firing <= last.firing:
        return "grown" if last else "new"
    if not resolved <= last.resolved:
        return "partly resolved" if firing else "resolved"
    return "repeat" if _is_repeat_due(last.at, resend, now) else None


def _is_repeat_due(at: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether it is time again; what is far in the future was written by a clock that has gone back since."""
    return at is None or at < now - every or at > now + CLOCK_SKEW_TOLERANCE


# How long a resolution is sent again to receivers that group by themselves.
RESOLVED_RESEND_PERIOD = timedelta(minutes=15)
ENDED_EPISODE_RETENTION = timedelta(days=5)  # how long an episode that is over waits for a mute to end

NotificationLog = Mapping[tuple[str, str], LogEntry]  # by group and notifier


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Episodes of one route with the same values of its labels; it is looked at again at `next_at`."""

    key: str
    labels: Mapping[str, str]
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Notification:
    """A message to be sent: what fires and what is over, for one notifier."""

    notifier: str
    group: str
    labels: Mapping[str, str]
    reason: NotificationReason
    firing: tuple[Episode, ...]
    resolved: tuple[Episode, ...]


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """All that delivery knows: live episodes, groups, the notification log, and repeats that still wait."""

    episodes: tuple[Episode, ...] = ()
    groups: Mapping[str, AlertGroup] = field(default_factory=dict)
    log: NotificationLog = field(default_factory=dict)
    waiting: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """What one look at the desk comes to: the desk afterwards, and what must be sent."""

    desk: DeliveryState
    notifications: tuple[Notification, ...]


IsMuted = Callable[[Episode, NotificationRoute], bool]
GroupMembers = tuple[NotificationRoute, Mapping[str, str], list[Episode]]


def plan_notifications(
    desk: DeliveryState, routes: Sequence[NotificationRoute], muted: IsMuted, now: datetime
) -> DeliveryPlan:
    """Look at every group whose time has come. Nothing is read but the arguments."""
    members = _members(desk.episodes, routes)
    groups, log, looked = dict[str, AlertGroup](), dict(desk.log), set[str]()
    sendings: list[Notification] = []
    for key, (route, labels, episodes) in members.items():
        group = desk.groups.get(key) or AlertGroup(key, labels, _first_look(episodes, route, now))
        if group.next_at <= now or group.next_at - now > max(route.interval, route.wait):  # a clock went back
            looked.add(key)
            held = frozenset(each.key for each in episodes if muted(each, route))
            heard = [each for each in episodes if each.key not in held]
            for target in route.targets if heard else ():
                sending, entry = _notify_target(group, target, heard, held, log.get((key, target.name)), now)
                if entry is not None:
                    log[key, target.name] = entry
                if sending and not (sending.reason == "repeat" and (key, target.name) in desk.waiting):
                    sendings.append(sending)
            group = replace(group, next_at=now + route.interval) if route.interval else group
        groups[key] = group
    awaited = (_episodes_awaited(key, member, key in looked, log, now) for key, member in members.items())
    wanted = {each.key for episodes in awaited for each in episodes}
    kept = tuple(each for each in desk.episodes if each.fires or each.key in wanted)
    keys = {each.key for each in kept}
    alive = {key for key, (_, _, episodes) in members.items() if any(each.key in keys for each in episodes)}
    told = {place: entry for place, entry in log.items() if place[0] in alive}
    after = DeliveryState(kept, {key: groups[key] for key in alive}, told, desk.waiting)
    return DeliveryPlan(after, tuple(sendings))


def _members(episodes: Iterable[Episode], routes: Sequence[NotificationRoute]) -> dict[str, GroupMembers]:
    """The groups by key, each with its route, its labels and its episodes."""
    found: dict[str, GroupMembers] = {}
    for episode in episodes:
        for route, key, labels in route_keys(episode.labels, routes):
            found.setdefault(key, (route, labels, []))[2].append(episode)
    return found


def _first_look(episodes: Iterable[Episode], route: NotificationRoute, now: datetime) -> datetime:
    """A group waits for others, but not for what has fired long enough already."""
    earliest = min(each.starts_at for each in episodes)
    return now if earliest + route.wait < now else now + route.wait


def _notify_target(
    group: AlertGroup, target: RouteTarget, heard: Sequence[Episode], held: Keys, last: LogEntry | None, now: datetime
) -> tuple[Notification | None, LogEntry | None]:
    """What a notifier is to be told, and what its log then says; None: nothing, and the log stays.

    Of what is held back the log keeps what it says: it is told when the mute is over, if it has changed by then.
    The end of what nobody was told of is no reason for a message.
    """
    kept = LogEntry(last.firing & held, last.resolved & held, last.at) if last else LogEntry()
    last = last and LogEntry(last.firing - held, last.resolved - held, last.at)
    firing = frozenset(each.key for each in heard if each.fires)
    over = [each for each in heard if not each.fires]
    resolved = frozenset(each.key for each in over)
    if target.forwards:
        over = [each for each in over if each.ends_at and now - each.ends_at < RESOLVED_RESEND_PERIOD]
        reason = needs_forwarding(last, firing, frozenset(each.key for each in over), target.repeat, now)
    else:
        known = resolved & (last.firing | last.resolved) if last else resolved
        reason = needs_update(last, firing, known, target.repeat, target.wants_resolved, now)
    if reason is None:
        return None, None
    told = tuple(each for each in heard if each.fires), tuple(over) if target.wants_resolved else ()
    sending = Notification(target.name, group.key, group.labels, reason, *told)
    return sending if any(told) else None, LogEntry(firing | kept.firing, resolved | kept.resolved, now)


def _episodes_awaited(
    key: str, member: GroupMembers, looked: bool, log: NotificationLog, now: datetime
) -> Iterator[Episode]:
    """The episodes of a group that are over, while somebody who knows of them has yet to be told.

    Until the group is looked at, that is all of them: a message that tells of one end tells of the others too.
    """
    route, _, episodes = member
    told = NO_EPISODES.union(*(log.get((key, target.name), LogEntry()).firing for target in route.targets))
    lingers = any(target.forwards for target in route.targets)
    for each in episodes:
        gone = now - (each.ends_at or now)
        waits = not looked or each.key in told or (lingers and gone < RESOLVED_RESEND_PERIOD)
        if not each.fires and gone <= ENDED_EPISODE_RETENTION and waits:
            yield each
