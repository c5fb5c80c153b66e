"""What a selection is held against: the time before it, the same hours yesterday, or those of last week."""

from datetime import datetime, timedelta
from typing import Literal

Baseline = Literal["before", "yesterday", "last_week"]
BASELINES: dict[Baseline, str] = {
    "before": "the time before",
    "yesterday": "the same hours yesterday",
    "last_week": "the same hours last week",
}

_BACK = {"yesterday": timedelta(days=1), "last_week": timedelta(days=7)}


def baseline_window_of(
    name: Baseline, start: datetime, end: datetime, since: datetime | None = None
) -> tuple[datetime, datetime]:
    """From when to when the baseline of a selection reaches; both never overlap.

    `before` begins at `since` where that is earlier than the selection, else it is as long as the selection. Longer
    selections go back by as many days or weeks as they last.
    """
    if name == "before":
        return (since if since and since < start else start - (end - start)), start
    back = _BACK[name] * max(1, -((start - end) // _BACK[name]))
    return start - back, end - back
