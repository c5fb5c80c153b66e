"""Advice about what moved: answers that grow, thresholds older than what they were set for."""

from datetime import timedelta

from controlsurface.formatting import format_interval, format_ratio
from controlsurface.metrics.intervals import Z
from controlsurface.reader.advice.finding import SUPPORT, Advice, Found, Row, enough, most
from controlsurface.reader.advice.lanes import about_task
from controlsurface.reader.advice.window import Asker

LONG_ENOUGH = timedelta(days=7)  # shorter windows hold parts of a week, and a week has a shape
SURE = 4.0  # standard errors: there are as many chances to be wrong as task types, every day anew
WORTH = 0.003  # a day: a tenth more in a month


def growth(ask: Asker) -> Found:
    """Task types whose answers become longer from day to day."""
    if ask.length < LONG_ENOUGH:
        return Found([], 0, short=True)
    rows = ask.rows("output_growth", by=("task_type",))
    total = sum(row["n"] for row in rows) or 1
    found = [_grows(row, row["n"] / total) for row in enough(rows) if row["value"] > WORTH and _sure(row)]
    return Found(found, most(rows))


def _sure(row: Row) -> bool:
    """Whether the slope is many standard errors from nothing; what has too few rows for an interval is not sure."""
    if row["low"] is None or row["high"] is None:
        return False
    error = (row["high"] - row["low"]) / (2 * Z)
    return bool(row["value"] > SURE * error)


def _grows(row: Row, share: float) -> Advice:
    why = (
        f"Output tokens per request grow by {format_ratio(row['value'])} a day "
        f"({format_interval(row['low'], row['high'], 'ratio')}, n = {row['n']:,}); cost and latency grow with them."
    )
    return about_task("growth", "Bound the answers of", why, "output_growth", row, "cost", share)


def stale_thresholds(ask: Asker) -> Found:
    """Whether a model or a price changed after the router's thresholds, version or strategy last did."""
    (used,) = ask.rows("threshold")
    if not used["n"]:
        return Found([], 0)
    events = ask.events()
    set_at = max((each["at"] for each in events if each["kind"] in {"deploy", "config"}), default=None)
    after = [each for each in events if each["kind"] in {"model", "price"} and (set_at is None or each["at"] > set_at)]
    if not after or used["n"] < SUPPORT:
        return Found([], used["n"])
    last = after[-1]
    why = f"{last['title']} at {last['at']:%Y-%m-%d %H:%M} UTC; no threshold, version or strategy has changed since."
    advice = Advice(
        "stale_thresholds",
        "Recalibrate the thresholds",
        why,
        "threshold",
        used["value"],
        None,
        None,
        "ratio",
        used["n"],
        "",
        "routing",
        1,
    )
    return Found([advice], used["n"])
