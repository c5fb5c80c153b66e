"""What is allowed in a rule and hardly meant: bounds that nothing passes, holds between two looks, near misses."""

from collections.abc import Iterator
from datetime import timedelta
from difflib import get_close_matches

from controlsurface.alerting.rules.rule_models import ZERO_DURATION, AlertRule, MetricBound, ThresholdRule
from controlsurface.formatting import format_period

SEVERITIES = ("page", "ticket", "info", "none")
_OTHER_SEVERITIES = ("critical", "warning", "error", "high", "medium", "low", "major", "minor", "debug", "notice")
NOTIFIER_LABEL = "notifier"  # names who is notified of a rule's alerts, whatever the routes say
_LABELS = ("severity", "owner", "team", NOTIFIER_LABEL)


def rule_doubts(rule: AlertRule, interval: timedelta) -> Iterator[tuple[str, str]]:
    """Fields of a rule and what is odd about each."""
    if problem := _unreachable(rule):
        yield problem
    if ZERO_DURATION < rule.for_ < interval:
        text = f"is shorter than the group's interval of {format_period(interval)}, so that is how long it takes"
        yield "for", text
    for name, value in rule.labels.items():
        if name == "severity" and value not in {*SEVERITIES, *_OTHER_SEVERITIES}:
            yield from (("labels", f"severity '{value}'; did you mean '{near}'?") for near in _near(value, SEVERITIES))
        if name not in _LABELS:
            yield from (("labels", f"label '{name}'; did you mean '{near}'?") for near in _near(name, _LABELS))


def _near(text: str, known: tuple[str, ...]) -> list[str]:
    """The known word that a misspelt one stands for, whatever its case."""
    return get_close_matches(text.lower(), known, n=1, cutoff=0.75)


def _unreachable(rule: AlertRule) -> tuple[str, str] | None:
    """The bound of a share outside 0 to 1: mostly a percentage."""
    if not isinstance(rule, ThresholdRule) or rule.measured.kind != "ratio":
        return None
    side = "above" if rule.above is not None else "below"
    bound = rule.bound.limit if isinstance(rule.bound, MetricBound) else rule.bound
    if bound is None or (bound < 1 if side == "above" else bound > 0):
        return None
    percent = f"; {bound:g} % is {bound / 100:g}" if bound > 1 else ""
    return side, f"'{rule.metric}' lies between 0 and 1 and is never {side} {bound:g}{percent}"
