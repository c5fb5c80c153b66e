"""When would rules have fired? The same judging and the same life of alerts as live, over what is stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from controlsurface.alerting.advance import Active
from controlsurface.alerting.engine import Found, judge
from controlsurface.alerting.evaluate import Sight, known
from controlsurface.alerting.labels import Labels
from controlsurface.alerting.rules import Rule
from controlsurface.alerting.state import Alert
from controlsurface.metrics.moments import Moments

CHUNK = 720  # moments asked for at once


@dataclass(frozen=True, slots=True)
class Played:
    """One moment of a replay: what was found, and the state of all alerts after it."""

    at: datetime
    found: Found
    active: Mapping[str, Active]


@dataclass(frozen=True, slots=True)
class Firing:
    """One time that an alert would have fired; `until` None: it still does."""

    alert: Alert
    since: datetime
    until: datetime | None


def played(rules: Sequence[Rule], sight: Sight, moments: Moments) -> Iterator[Played]:
    """The rules evaluated at each moment, from no alerts on."""
    active: dict[str, Active] = {}
    for chunk in chunks(moments):
        seen = known(rules, sight, chunk)
        at = chunk.first
        while at <= chunk.last:
            found = judge(seen, active, at)
            active |= found.active
            yield Played(at, found, dict(active))
            at += chunk.every


def firings(moments: Iterator[Played]) -> list[Firing]:
    """Each time an alert would have fired, in order of time."""
    found: list[Firing] = []
    open_: dict[tuple[str, Labels], int] = {}
    for moment in moments:
        for move in moment.found.transitions:
            key = move.rule, move.labels
            if move.alert and move.alert.state == "firing":
                open_[key] = len(found)
                found.append(Firing(move.alert, moment.at, None))
            elif key in open_:
                i = open_.pop(key)
                found[i] = replace(found[i], until=moment.at)
    return found


def chunks(moments: Moments) -> Iterator[Moments]:
    """The moments in pieces that fit into memory."""
    length: timedelta = moments.every * (CHUNK - 1)
    first = moments.first
    while first <= moments.last:
        yield Moments(first, min(first + length, moments.last), moments.every)
        first += length + moments.every
