"""Stretches of time in which a route is quiet."""

from calendar import monthrange
from datetime import datetime
from zoneinfo import ZoneInfo

from controlsurface.channels import WEEKDAYS, MuteTime, clock, numbers


def is_within(moment: datetime, mute: MuteTime) -> bool:
    """Whether an aware moment lies in the stretch; a condition that is not given holds always."""
    local = moment.astimezone(ZoneInfo(mute.location))
    minute = local.hour * 60 + local.minute
    return (
        _any([_clock(each, minute) for each in mute.times])
        and _any([_weekday(each, local.weekday()) for each in mute.weekdays])
        and _any([_day(each, local) for each in mute.days_of_month])
        and _any([_in(numbers(each, 1, 12), local.month) for each in mute.months])
    )


def _any(conditions: list[bool]) -> bool:
    return not conditions or any(conditions)


def _in(bounds: tuple[int, int], value: int) -> bool:
    return bounds[0] <= value <= bounds[1]


def _clock(text: str, minute: int) -> bool:
    """The end is not part of the stretch."""
    start, _, end = text.partition("-")
    return clock(start) <= minute < clock(end)


def _weekday(text: str, day: int) -> bool:
    first, _, last = text.partition(":")
    return WEEKDAYS.index(first) <= day <= WEEKDAYS.index(last or first)


def _day(text: str, local: datetime) -> bool:
    """Negative days count from the end of the month, -1 is its last."""
    length = monthrange(local.year, local.month)[1]
    first, last = (day if day > 0 else length + 1 + day for day in numbers(text, -31, 31))
    return first <= local.day <= last
