"""Moments in an address: UTC, to the minute, as a time input writes them."""

from datetime import UTC, datetime, timedelta

from controlsurface.query.times import parse_instant

MINUTE = timedelta(minutes=1)


def format_url_time(at: datetime) -> str:
    """`2026-01-31T12:05`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M}"


def url_minutes(start: datetime, end: datetime) -> tuple[str, str]:
    """The whole minutes around a window, as an address has them."""
    return format_url_time(start), format_url_time(end + MINUTE - timedelta(microseconds=1))


def parse_url_time(text: str) -> datetime | None:
    """The moment that an address names; None for none, for nonsense, and for times that no router has seen."""
    try:
        found = parse_instant(f"{text}:00Z" if len(text) == 16 else text)
    except ValueError:
        return None
    return found if isinstance(found, datetime) and 1970 < found.year < 9000 else None
