"""Figures as people read them: the unit, the precision that means something, and a dash for unknown."""

from datetime import datetime, timedelta

UNKNOWN = "–"


def shown(value: float | None, unit: str) -> str:
    """A value with its unit.

    >>> shown(0.2341, "ratio"), shown(0.00281, "usd"), shown(1450, "ms"), shown(None, "count")
    ('23.4 %', '$0.00281', '1.45 s', '–')
    """
    if value is None or value != value:  # noqa: PLR0124 -- NaN
        return UNKNOWN
    if unit in FORMS:
        return FORMS[unit](float(value))
    return f"{value:,.4g}"


def ratio(value: float) -> str:
    """A share in percent, with a second decimal only under one percent."""
    return f"{value * 100:.{2 if 0 < abs(value) < 0.01 else 1}f} %"


def money(value: float) -> str:
    """US dollars: cents over one dollar, three significant digits under it."""
    if value == 0:
        return "$0"
    sign, size = "-" if value < 0 else "", abs(value)
    if size >= 1:
        return f"{sign}${size:,.{0 if size >= 1000 else 2}f}"
    digits = max(2, min(12, 2 - int(f"{size:e}".split("e")[1])))
    return f"{sign}${size:.{digits}f}"


def duration(ms: float) -> str:
    """Milliseconds as ms, s or minutes."""
    if abs(ms) < 1000:
        return f"{ms:.0f} ms" if abs(ms) >= 10 else f"{ms:.2g} ms"
    if abs(ms) < 120_000:
        return f"{ms / 1000:.3g} s"
    return f"{ms / 60_000:,.1f} min"


def count(value: float) -> str:
    """A number of things; millions and up are rounded.

    >>> count(20123), count(4_567_000)
    ('20,123', '4.57 M')
    """
    for size, letter in ((1e9, "G"), (1e6, "M")):
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:,.3g}"


FORMS = {"ratio": ratio, "usd": money, "ms": duration, "count": count}


def change(now: float, before: float, unit: str) -> str:
    """What moved: percentage points for a share, percent for the rest; empty text where percent has no meaning.

    >>> change(0.25, 0.2, "ratio"), change(90, 100, "ms"), change(99.8, 100, "ms"), change(3, 0, "usd")
    ('+5.0 pp', '-10 %', '0 %', '')
    """
    if unit == "ratio":
        return signed((now - before) * 100, 1, " pp")
    return signed((now / before - 1) * 100, 0, " %") if before else ""


def difference(value: float | None, unit: str) -> str:
    """A difference in its own unit, with its sign; percentage points for a share.

    >>> difference(0.05, "ratio"), difference(-3, "usd"), difference(None, "ms")
    ('+5.0 pp', '-$3.00', '–')
    """
    if value is None:
        return UNKNOWN
    if unit == "ratio":
        return signed(value * 100, 1, " pp")
    return f"{'+' if value > 0 else ''}{shown(value, unit)}"


def signed(value: float, digits: int, unit: str) -> str:
    """A difference with its sign; none where it is nothing after rounding.

    >>> signed(-0.04, 1, " pp"), signed(2, 1, " pp")
    ('0.0 pp', '+2.0 pp')
    """
    rounded = round(value, digits)
    return f"{rounded:+.{digits}f}{unit}" if rounded else f"{0:.{digits}f}{unit}"


def step(length: timedelta) -> str:
    """A bucket's length in words.

    >>> step(timedelta(minutes=10)), step(timedelta(hours=4))
    ('10 min', '4 h')
    """
    seconds = int(length.total_seconds())
    size, name = next(
        (size, name) for size, name in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")) if not seconds % size
    )
    return f"{seconds // size} {name}"


def clock(at: datetime) -> str:
    """A moment in UTC, to the second."""
    return f"{at:%b %d %H:%M:%S}"


def between(edges: tuple[datetime, datetime]) -> str:
    """From when to when, to the minute, in UTC."""
    start, end = edges
    return f"{start:%b %d %H:%M} to {end:{'%H:%M' if start.date() == end.date() else '%b %d %H:%M'}}"
