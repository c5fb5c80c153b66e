"""Silences: for a time, alerts that match are not sent. Shapes and rules as in Alertmanager's API v2."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from controlsurface.config.label_matchers import LabelMatcher, Labels, all_match
from controlsurface.errors import BadRequest, NotFound

SilenceState = Literal["pending", "active", "expired"]

EXPIRED_SILENCE_RETENTION = timedelta(hours=120)  # how long one that has expired is listed


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts whose labels match all matchers are held back in [starts_at, ends_at)."""

    id: str
    matchers: tuple[LabelMatcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    updated_at: datetime

    def state(self, now: datetime) -> SilenceState:
        """Where it stands."""
        if now < self.starts_at:
            return "pending"
        return "active" if now < self.ends_at else "expired"

    def silences(self, labels: Labels, now: datetime) -> bool:
        """Whether an alert with these labels is held back now."""
        return self.state(now) == "active" and all_match(self.matchers, labels)


def find_silence(silences: Iterable[Silence], labels: Labels, now: datetime) -> Silence | None:
    """The first silence that holds back an alert with these labels."""
    return next((each for each in silences if each.silences(labels, now)), None)


def validate_silence(silence: Silence, now: datetime) -> Silence:
    """The silence, if it can be. Raises BadRequest."""
    if not silence.matchers:
        raise BadRequest("matchers: at least one is needed")
    if all_match(silence.matchers, {}):
        raise BadRequest("matchers: at least one must not match the empty value, or every alert would be silenced")
    if silence.ends_at <= silence.starts_at:
        raise BadRequest("endsAt: must lie after startsAt")
    if silence.ends_at < now:
        raise BadRequest("endsAt: lies in the past")
    return silence


def silence_updates(silence: Silence, old: Silence | None, now: datetime) -> list[Silence]:
    """What must be written to put `silence` (in the place of `old`): the silence itself, and `old` where it ends.

    A silence that cannot be changed into the new one without rewriting history is ended and followed by a new one.
    Raises BadRequest, and NotFound when an id is given that nothing has.
    """
    if silence.id and old is None:
        raise NotFound(f"no silence '{silence.id[:60]}'")
    wanted = validate_silence(replace(silence, updated_at=now), now)
    if old is not None and _can_become(old, wanted, now):
        return [wanted]
    fresh = replace(wanted, id=str(uuid.uuid4()), starts_at=max(wanted.starts_at, now))
    return [fresh, *([end_silence(old, now)] if old is not None and old.state(now) != "expired" else [])]


def end_silence(silence: Silence, now: datetime) -> Silence:
    """The silence, ended now; one that has ended already stays as it was."""
    if silence.state(now) == "expired":
        return silence
    return replace(silence, starts_at=min(silence.starts_at, now), ends_at=now, updated_at=now)


def _can_become(old: Silence, new: Silence, now: datetime) -> bool:
    """Whether only the future changes; starts are compared by the second, as clients often know no more of them."""
    if old.matchers != new.matchers or old.state(now) == "expired":
        return False
    if old.state(now) == "active":
        return old.starts_at.replace(microsecond=0) == new.starts_at.replace(microsecond=0)
    return new.starts_at >= now
