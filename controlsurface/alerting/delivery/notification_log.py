"""Whether a group must be told again: the notification log of Alertmanager, and the resending of Prometheus."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

NotificationReason = Literal["new", "grown", "resolved", "partly resolved", "repeat"]

CLOCK_SKEW_TOLERANCE = timedelta(minutes=1)  # what a clock may be corrected by
NO_EPISODES: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What a notifier was last told about a group: the keys of the episodes that fired and that were over."""

    firing: frozenset[str] = NO_EPISODES
    resolved: frozenset[str] = NO_EPISODES
    at: datetime | None = None  # None: nobody knows, so it is long ago


def needs_update(
    last: LogEntry | None,
    firing: AbstractSet[str],
    resolved: AbstractSet[str],
    repeat: timedelta,
    wants_resolved: bool,
    now: datetime,
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
    last: LogEntry | None, firing: AbstractSet[str], resolved: AbstractSet[str], resend: timedelta, now: datetime
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
