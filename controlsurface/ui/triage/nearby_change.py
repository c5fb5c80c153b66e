"""Which recorded change a metric stepped at, if any: its course is cut where both sides differ most."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

MAX_CHANGE_DISTANCE = timedelta(hours=2)  # between the beginning of a selection and a change that is still nearby
MIN_STEP_SQUARES = 16.0  # the F of a step (four standard errors), under which a course has none
MIN_COURSE_POINTS = 4

_HOW_NOTICED = re.compile(r" (first seen|\d+ % → \d+ %)$")

CoursePoint = tuple[datetime, float, float]  # of a bucket: its start, the value and its weight


@dataclass(frozen=True, slots=True)
class NearbyChange:
    """A recorded change; `stepped`: the metric moved when it came, and not only somewhere around it."""

    at: datetime
    kind: str
    title: str
    stepped: bool

    @property
    def name(self) -> str:
        """What changed, without how that was noticed."""
        return _HOW_NOTICED.sub("", self.title)


def course_step(points: Sequence[CoursePoint]) -> datetime | None:
    """The start of the bucket from which on a course is another; None where no cut is certain.

    >>> day = [(datetime(2026, 1, 1, hour), 0.1 + 0.3 * (hour >= 7) + 0.01 * (hour % 2), 50.0) for hour in range(12)]
    >>> course_step(day).hour
    7
    """
    known = [point for point in points if point[2] > 0]
    if len(known) < MIN_COURSE_POINTS:
        return None
    weight, mean = _mean(known)
    spread = sum(w * (value - mean) ** 2 for _, value, w in known)
    between, at = max((_between(known[:cut], known[cut:], weight), known[cut][0]) for cut in range(1, len(known)))
    left = max(spread - between, 0.0) / (len(known) - 2)
    return at if between > MIN_STEP_SQUARES * left and between > 0 else None


def _mean(points: Sequence[CoursePoint]) -> tuple[float, float]:
    weight = sum(w for _, _, w in points)
    return weight, sum(value * w for _, value, w in points) / weight


def _between(one: Sequence[CoursePoint], other: Sequence[CoursePoint], weight: float) -> float:
    """What a cut explains of the squares."""
    (one_weight, one_mean), (other_weight, other_mean) = _mean(one), _mean(other)
    return one_weight * other_weight / weight * (one_mean - other_mean) ** 2


def nearby_change(
    events: Sequence[Mapping[str, Any]], points: Sequence[CoursePoint], start: datetime, step: timedelta
) -> NearbyChange | None:
    """The change at which the course stepped, else the one nearest to the start of the selection, within two hours."""
    turned = course_step(points)
    beginnings = [each for each in events if not str(each["title"]).endswith(" last seen")]
    for moment, reach, among, stepped in (
        (turned, 2 * step, beginnings, True),
        (start, MAX_CHANGE_DISTANCE, [*events], False),
    ):
        near = [each for each in among if moment is not None and abs(each["at"] - moment) <= reach]
        if moment is not None and near:
            found = min(near, key=lambda each: abs(each["at"] - moment))
            return NearbyChange(found["at"], str(found["kind"]), str(found["title"]), stepped)
    return None
