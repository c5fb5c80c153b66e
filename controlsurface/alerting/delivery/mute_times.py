"""Stretches of time in which a route is quiet."""

from calendar import monthrange
from datetime import datetime
from zoneinfo import ZoneInfo

from controlsurface.config.alert_delivery import WEEKDAYS, MuteTimeConfig, minutes_of_day, parse_range


def is_within_mute_time(moment: datetime, mute: MuteTimeConfig) -> bool:
    """Whether an aware moment lies in the stretch; a condition that is not given holds always."""
    local = moment.astimezone(ZoneInfo(mute.location))
    minute = local.hour * 60 + local.minute
    return (
        _meets_any([_minute_of_text(each, minute) for each in mute.times])
        and _meets_any([_weekday_number(each, local.weekday()) for each in mute.weekdays])
        and _meets_any([_day_of_month(each, local) for each in mute.days_of_month])
        and _meets_any([_is_in_range(parse_range(each, 1, 12), local.month) for each in mute.months])
    )


def _meets_any(conditions: list[bool]) -> bool:
    return not conditions or any(conditions)


def _is_in_range(bounds: tuple[int, int], value: int) -> bool:
    return bounds[0] <= value <= bounds[1]


def _minute_of_text(text: str, minute: int) -> bool:
    """The end is not part of the stretch."""
    start, _, end = text.partition("-")
    return minutes_of_day(start) <= minute < minutes_of_day(end)


def _weekday_number(text: str, day: int) -> bool:
    first, _, last = text.partition(":")
    return WEEKDAYS.index(first) <= day <= WEEKDAYS.index(last or first)


def _day_of_month(text: str, local: datetime) -> bool:
    """Negative days count from the end of the month, -1 is its last."""
    length = monthrange(local.year, local.month)[1]
    first, last = (day if day > 0 else length + 1 + day for day in parse_range(text, -31, 31))
    return first <= local.day <= last
