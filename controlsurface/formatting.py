"""Figures as people read them, alike on pages, in alert messages, reports and the command line; times are UTC."""

import math
from datetime import datetime, timedelta

UNKNOWN = "–"

# milliseconds in a unit, its name, and how many of it are written in the next one
_DURATIONS = (
    (1, "ms", 999.5),
    (1000, "s", 59.95),
    (60_000, "min", 59.95),
    (3_600_000, "h", 23.95),
    (86_400_000, "d", math.inf),
)
_PERIODS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


def format_value(value: float | None, unit: str) -> str:
    """A value with its unit; a dash where nobody knows it.

    >>> format_value(0.2341, "ratio"), format_value(0.00281, "usd"), format_value(1450, "ms"), format_value(None, "ms")
    ('23.4 %', '$0.00281', '1.45 s', '–')
    """
    if value is None or math.isnan(value):
        return UNKNOWN
    return _UNITS[unit](float(value)) if unit in _UNITS else f"{value:,.4g}"


def format_interval(low: float | None, high: float | None, unit: str) -> str:
    """Both ends of an interval."""
    return f"{format_value(low, unit)} to {format_value(high, unit)}"


def format_ratio(value: float) -> str:
    """A share in percent, with a second decimal only under one percent."""
    return f"{value * 100:.{2 if 0 < abs(value) < 0.01 else 1}f} %"


def format_confidence(value: float) -> str:
    """A confidence or threshold.

    >>> format_confidence(0.6)
    '0.60'
    """
    return f"{value:.2f}"


def format_money(value: float) -> str:
    """US dollars and cents; three significant digits where that is less than ten cents.

    >>> format_money(-0.27), format_money(0.00281), format_money(1234.5), format_money(0)
    ('-$0.27', '$0.00281', '$1,234', '$0')
    """
    if value == 0:
        return "$0"
    sign, size = "-" if value < 0 else "", abs(value)
    decimals = 0 if size >= 1000 else 2 if size >= 0.1 else min(12, 2 - math.floor(math.log10(size)))
    return f"{sign}${size:,.{decimals}f}"


def format_duration(length: timedelta | float) -> str:
    """A length of time, or its milliseconds, in the largest unit, with three digits.

    >>> format_duration(450), format_duration(13_630), format_duration(timedelta(minutes=10))
    ('450 ms', '13.6 s', '10 min')
    """
    ms = length / timedelta(milliseconds=1) if isinstance(length, timedelta) else length
    size, unit = next((size, unit) for size, unit, most in _DURATIONS if abs(ms) < most * size)
    found = ms / size
    return f"{found:,.0f} {unit}" if abs(found) >= 100 else f"{found:.3g} {unit}"


def format_period(length: timedelta) -> str:
    """A length of time as Prometheus and the configuration spell it, days the largest unit.

    >>> format_period(timedelta(minutes=90)), format_period(timedelta(days=7)), format_period(timedelta())
    ('1h30m', '7d', '0s')
    """
    parts, left = [], round(length / timedelta(milliseconds=1))
    for unit, size in _PERIODS.items():
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def format_count(value: float) -> str:
    """A number of things; millions and up are rounded.

    >>> format_count(20123), format_count(4_567_000)
    ('20,123', '4.57 M')
    """
    for size, letter in ((1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:,.3g}"


_UNITS = {
    "ratio": format_ratio,
    "usd": format_money,
    "ms": format_duration,
    "count": format_count,
    "tokens": format_count,
}


def format_change(now: float, before: float, unit: str) -> str:
    """What moved: percentage points for a share, percent for the rest; empty text where percent has no meaning.

    >>> format_change(0.25, 0.2, "ratio"), format_change(99.8, 100, "ms"), format_change(3, 0, "usd")
    ('+5.0 pp', '0 %', '')
    """
    if unit == "ratio":
        return _signed((now - before) * 100, 1, " pp")
    return _signed((now / before - 1) * 100, 0, " %") if before else ""


def format_difference(value: float | None, unit: str) -> str:
    """A difference in its own unit, with its sign; percentage points for a share.

    >>> format_difference(0.05, "ratio"), format_difference(-3, "usd"), format_difference(None, "ms")
    ('+5.0 pp', '-$3.00', '–')
    """
    if value is None:
        return UNKNOWN
    if unit == "ratio":
        return _signed(value * 100, 1, " pp")
    return f"{'+' if value > 0 else ''}{format_value(value, unit)}"


def _signed(value: float, decimals: int, unit: str) -> str:
    """With its sign; none where nothing is left after rounding."""
    rounded = round(value, decimals)
    return f"{rounded:+.{decimals}f}{unit}" if rounded else f"{0:.{decimals}f}{unit}"


def format_time(at: datetime) -> str:
    """A moment to the second."""
    return f"{at:%b %d %H:%M:%S}"


def format_time_range(edges: tuple[datetime, datetime]) -> str:
    """From when to when, to the minute."""
    start, end = edges
    return f"{start:%b %d %H:%M} to {end:{'%H:%M' if start.date() == end.date() else '%b %d %H:%M'}}"
