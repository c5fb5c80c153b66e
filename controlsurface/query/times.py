"""Points in time and durations as people write them: RFC 3339, `-24h`, `now`, `15m`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from controlsurface.config import parse_duration

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)([Zz]|[+\- ]\d\d:\d\d))?", re.ASCII)
_RELATIVE = re.compile(r"-\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h|d|w)", re.ASCII)
# A baseline lies as long before a window as that is long, and a store counts nanoseconds from 1970 in 64 bits.
FIRST_YEAR, LAST_YEAR = 1970, 2199
_OUTSIDE_YEARS_TEXT = f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}"
_INSTANT_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "date"},
        {"type": "string", "pattern": r"^-\d{1,4}(ms|s|m|h|d|w)$"},
        {"const": "now", "type": "string"},
    ]
}
_DURATION_SCHEMA: dict[str, Any] = {"type": "string", "pattern": r"^[1-9]\d{0,2}(s|m|h|d)$"}


def parse_instant(value: object) -> object:
    """A point in time in UTC; a datetime without a zone is taken as UTC. Raises ValueError saying what may be written.

    >>> parse_instant("2026-01-09T13:00:00+01:00").isoformat()
    '2026-01-09T12:00:00+00:00'
    """
    if isinstance(value, str):
        return _within(_read(value), value)
    if not isinstance(value, datetime):
        return value
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"'{value}' is outside the years 1 to 9999") from None


def _read(text: str) -> datetime:
    """The datetime that `text` names."""
    if text == "now":
        return datetime.now(UTC)
    if _RELATIVE.fullmatch(text):
        return _ago(text)
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text[:60]}' is not a time; write 2026-01-09T12:00:00Z, 2026-01-09, now, or -24h")
    day, time, zone = match.groups()
    # An unescaped + in an address arrives as a space.
    return datetime.fromisoformat(f"{day}T{time or '00:00:00'}{(zone or 'Z').upper().replace(' ', '+')}")


def _ago(text: str) -> datetime:
    """`-24h` as a point in time."""
    past = parse_duration(text[1:])
    try:
        return datetime.now(UTC) - past if isinstance(past, timedelta) else datetime.now(UTC)
    except OverflowError:
        raise ValueError(f"'{text}' {_OUTSIDE_YEARS_TEXT}") from None


def _within(at: datetime, text: str) -> datetime:
    """The same point in UTC, where it lies in the years that can be reckoned with from both ends. Raises ValueError."""
    try:
        found = at.astimezone(UTC)
    except OverflowError:
        found = datetime.min.replace(tzinfo=UTC)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"'{text[:60]}' {_OUTSIDE_YEARS_TEXT}")
    return found


Instant = Annotated[datetime, BeforeValidator(parse_instant), WithJsonSchema(_INSTANT_SCHEMA)]
StepLength = Annotated[timedelta, BeforeValidator(parse_duration), WithJsonSchema(_DURATION_SCHEMA)]
