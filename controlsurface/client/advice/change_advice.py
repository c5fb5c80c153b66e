"""Advice about what moved: answers that grow, thresholds older than what they were set for."""

from datetime import timedelta

from controlsurface.client.advice.advice_context import AdviceContext
from controlsurface.client.advice.advice_row import (
    MIN_SUPPORT_ROWS,
    Advice,
    Row,
    RuleFinding,
    largest_support,
    row_advice,
    rows_with_support,
)
from controlsurface.client.advice.lane_advice import task_type_advice
from controlsurface.formatting import format_interval, format_ratio
from controlsurface.metrics.statistics import Z_95

MIN_WINDOW = timedelta(days=7)  # shorter windows hold parts of a week, and a week has a shape
MIN_STANDARD_ERRORS = 4.0  # standard errors: there are as many chances to be wrong as task types, every day anew
MIN_DAILY_GROWTH = 0.003  # a day: a tenth more in a month


def advise_output_growth(ask: AdviceContext) -> RuleFinding:
    """Task types whose answers become longer from day to day."""
    if ask.length < MIN_WINDOW:
        return RuleFinding([], 0, short=True)
    rows = ask.rows("output_growth", by=("task_type",))
    total = sum(row["n"] for row in rows) or 1
    growing = [row for row in rows_with_support(rows) if row["value"] > MIN_DAILY_GROWTH and _sure(row)]
    return RuleFinding([_grows(row, row["n"] / total) for row in growing], largest_support(rows))


def _sure(row: Row) -> bool:
    """Whether the slope is many standard errors from nothing; what has too few rows for an interval is not sure."""
    if row["low"] is None or row["high"] is None:
        return False
    error = (row["high"] - row["low"]) / (2 * Z_95)
    return bool(row["value"] > MIN_STANDARD_ERRORS * error)


def _grows(row: Row, share: float) -> Advice:
    why = (
        f"Output tokens per request grow by {format_ratio(row['value'])} a day "
        f"({format_interval(row['low'], row['high'], 'ratio')}, n = {row['n']:,}); cost and latency grow with them."
    )
    return task_type_advice("growth", "Bound the answers of", why, "output_growth", row, "cost", share)


def advise_stale_thresholds(ask: AdviceContext) -> RuleFinding:
    """Whether a model or a price changed after the router's thresholds, version or strategy last did."""
    (used,) = ask.rows("threshold")
    if not used["n"]:
        return RuleFinding([], 0)
    events = ask.events()
    set_at = max((each["at"] for each in events if each["kind"] in {"deploy", "config"}), default=None)
    after = [each for each in events if each["kind"] in {"model", "price"} and (set_at is None or each["at"] > set_at)]
    if not after or used["n"] < MIN_SUPPORT_ROWS:
        return RuleFinding([], used["n"])
    last = after[-1]
    why = f"{last['title']} at {last['at']:%Y-%m-%d %H:%M} UTC; no threshold, version or strategy has changed since."
    advice = row_advice("stale_thresholds", "Recalibrate the thresholds", why, "threshold", used, "", "routing", 1)
    return RuleFinding([advice], used["n"])
