"""Texts of alerts: `{{ $labels.lane }}`, `{{ $value | humanizePercentage }}` and their kin, in Prometheus's words."""

import re
from collections.abc import Callable, Mapping

from controlsurface.alerting.model import LabelSet, RuleReading
from controlsurface.errors import did_you_mean
from controlsurface.formatting import format_duration

_PLACEHOLDER_PATTERN = re.compile(r"\{\{\s*\$(\w+)(?:\.(\w+))?\s*(?:\|\s*(\w+)\s*)?\}\}")
_ANY_PLACEHOLDER_PATTERN = re.compile(r"\{\{.*?\}\}")
_READING_FIELDS = ("value", "n", "low", "high", "threshold", "before")
_UNKNOWN_TEXT = "unknown"


_TEMPLATE_FILTERS: Mapping[str, Callable[[float], str]] = {
    "humanize": lambda value: f"{value:.4g}",
    "humanizePercentage": lambda value: f"{value * 100:.4g}%",
    "humanizeDuration": lambda seconds: format_duration(seconds * 1000),
}


def render_annotations(texts: Mapping[str, str], found: LabelSet, reading: RuleReading) -> Mapping[str, str]:
    """The texts with their holes filled."""
    named = dict(found)

    def fill(hole: re.Match[str]) -> str:
        if hole[1] == "labels":
            return named.get(hole[2], _UNKNOWN_TEXT)
        value = getattr(reading, hole[1])
        return _UNKNOWN_TEXT if value is None else _TEMPLATE_FILTERS[hole[3] or "humanize"](value)

    return {name: _PLACEHOLDER_PATTERN.sub(fill, text) for name, text in texts.items()}


def template_problem(text: str, known: set[str]) -> str | None:
    """What is wrong with a text's holes: a label the alert will not have, a figure or filter that does not exist."""
    for hole in _ANY_PLACEHOLDER_PATTERN.finditer(text):
        match = _PLACEHOLDER_PATTERN.fullmatch(hole[0])
        if match is None:
            return f"'{hole[0]}' cannot be read; write {{{{ $labels.lane }}}} or {{{{ $value | humanizePercentage }}}}"
        kind, name, filter_ = match.groups()
        if kind == "labels" and name not in known:
            return f"alerts of this rule have no label '{name}'{did_you_mean(name or '', known)}"
        if kind != "labels" and (kind not in _READING_FIELDS or name):
            return f"'${kind}' is none of $labels, {', '.join(f'${each}' for each in _READING_FIELDS)}"
        if filter_ and filter_ not in _TEMPLATE_FILTERS:
            return f"no filter named '{filter_}'{did_you_mean(filter_, _TEMPLATE_FILTERS)}"
    return None
