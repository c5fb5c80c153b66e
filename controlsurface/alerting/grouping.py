"""Which episodes make one message, and when it is sent: groups on a clock that is given, not read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controlsurface.alerting.decision import NOBODY, Entry, Reason, forwarded_again, told_again
from controlsurface.alerting.episodes import Episode
from controlsurface.alerting.routing import Route, Target, route_keys

ZERO = timedelta()
LINGER = timedelta(minutes=15)  # how long a resolution is sent again to receivers that group by themselves
FORGOTTEN = timedelta(days=5)  # how long an episode that is over waits for a mute to end

Log = Mapping[tuple[str, str], Entry]  # by group and notifier


@dataclass(frozen=True, slots=True)
class Group:
    """Episodes of one route with the same values of its labels; it is looked at again at `next_at`."""

    key: str
    labels: Mapping[str, str]
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Sending:
    """A message to be sent: what fires and what is over, for one notifier."""

    notifier: str
    group: str
    labels: Mapping[str, str]
    reason: Reason
    firing: tuple[Episode, ...]
    resolved: tuple[Episode, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """All that delivery knows: live episodes, groups, the notification log, and repeats that still wait."""

    episodes: tuple[Episode, ...] = ()
    groups: Mapping[str, Group] = field(default_factory=dict)
    log: Log = field(default_factory=dict)
    waiting: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """What one look at the desk comes to: the desk afterwards, and what must be sent."""

    desk: Desk
    sendings: tuple[Sending, ...]


Muted = Callable[[Episode, Route], bool]
Member = tuple[Route, Mapping[str, str], list[Episode]]


def plan(desk: Desk, routes: Sequence[Route], muted: Muted, now: datetime) -> Plan:
    """Look at every group whose time has come. Nothing is read but the arguments."""
    members = _members(desk.episodes, routes)
    groups, log, looked = dict[str, Group](), dict(desk.log), set[str]()
    sendings: list[Sending] = []
    for key, (route, labels, episodes) in members.items():
        group = desk.groups.get(key) or Group(key, labels, _first_look(episodes, route, now))
        if group.next_at <= now or group.next_at - now > max(route.interval or ZERO, route.wait):  # a clock went back
            looked.add(key)
            held = frozenset(each.key for each in episodes if muted(each, route))
            heard = [each for each in episodes if each.key not in held]
            for target in route.targets if heard else ():
                sending, entry = _told(group, target, heard, held, log.get((key, target.name)), now)
                if entry is not None:
                    log[key, target.name] = entry
                if sending and not (sending.reason == "repeat" and (key, target.name) in desk.waiting):
                    sendings.append(sending)
            group = replace(group, next_at=now + route.interval) if route.interval else group
        groups[key] = group
    wanted = {each.key for key, member in members.items() for each in _awaited(key, member, key in looked, log, now)}
    kept = tuple(each for each in desk.episodes if each.fires or each.key in wanted)
    keys = {each.key for each in kept}
    alive = {key for key, (_, _, episodes) in members.items() if any(each.key in keys for each in episodes)}
    after = Desk(kept, {key: groups[key] for key in alive}, _live(log, alive), desk.waiting)
    return Plan(after, tuple(sendings))


def _members(episodes: Iterable[Episode], routes: Sequence[Route]) -> dict[str, Member]:
    """The groups by key, each with its route, its labels and its episodes."""
    found: dict[str, Member] = {}
    for episode in episodes:
        for route, key, labels in route_keys(episode.labels, routes):
            found.setdefault(key, (route, labels, []))[2].append(episode)
    return found


def _first_look(episodes: Iterable[Episode], route: Route, now: datetime) -> datetime:
    """A group waits for others, but not for what has fired long enough already."""
    earliest = min(each.starts_at for each in episodes)
    return now if earliest + route.wait < now else now + route.wait


def _told(
    group: Group, target: Target, heard: Sequence[Episode], held: frozenset[str], last: Entry | None, now: datetime
) -> tuple[Sending | None, Entry | None]:
    """What a notifier is to be told, and what its log then says; None: nothing, and the log stays.

    Of what is held back the log keeps what it says: it is told when the mute is over, if it has changed by then.
    The end of what nobody was told of is no reason for a message.
    """
    kept = Entry(last.firing & held, last.resolved & held, last.at) if last else Entry()
    last = last and Entry(last.firing - held, last.resolved - held, last.at)
    firing = frozenset(each.key for each in heard if each.fires)
    over = [each for each in heard if not each.fires]
    resolved = frozenset(each.key for each in over)
    if target.forwards:
        over = [each for each in over if each.ends_at and now - each.ends_at < LINGER]
        reason = forwarded_again(last, firing, frozenset(each.key for each in over), target.repeat, now)
    else:
        known = resolved & (last.firing | last.resolved) if last else resolved
        reason = told_again(last, firing, known, target.repeat, target.wants_resolved, now)
    if reason is None:
        return None, None
    told = tuple(each for each in heard if each.fires), tuple(over) if target.wants_resolved else ()
    sending = Sending(target.name, group.key, group.labels, reason, *told)
    return sending if any(told) else None, Entry(firing | kept.firing, resolved | kept.resolved, now)


def _awaited(key: str, member: Member, looked: bool, log: Log, now: datetime) -> Iterator[Episode]:
    """The episodes of a group that are over, while somebody who knows of them has yet to be told.

    Until the group is looked at, that is all of them: a message that tells of one end tells of the others too.
    """
    route, _, episodes = member
    told = NOBODY.union(*(log.get((key, target.name), Entry()).firing for target in route.targets))
    lingers = any(target.forwards for target in route.targets)
    for each in episodes:
        gone = now - (each.ends_at or now)
        waits = not looked or each.key in told or (lingers and gone < LINGER)
        if not each.fires and gone <= FORGOTTEN and waits:
            yield each


def _live(log: Log, alive: set[str]) -> dict[tuple[str, str], Entry]:
    """The log without groups that are gone."""
    return {place: entry for place, entry in log.items() if place[0] in alive}
