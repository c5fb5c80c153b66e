"""Texts of alerts: `{{ $labels.lane }}`, `{{ $value | humanizePercentage }}` and their kin, in Prometheus's words."""

import re
from collections.abc import Callable, Mapping

from controlsurface.alerting.labels import Labels
from controlsurface.alerting.state import Reading
from controlsurface.errors import nearest
from controlsurface.formatting import format_duration

_HOLE = re.compile(r"\{\{\s*\$(\w+)(?:\.(\w+))?\s*(?:\|\s*(\w+)\s*)?\}\}")
_ANY_HOLE = re.compile(r"\{\{.*?\}\}")
_FIGURES = ("value", "n", "low", "high", "threshold", "before")
_UNKNOWN = "unknown"


_FILTERS: Mapping[str, Callable[[float], str]] = {
    "humanize": lambda value: f"{value:.4g}",
    "humanizePercentage": lambda value: f"{value * 100:.4g}%",
    "humanizeDuration": lambda seconds: format_duration(seconds * 1000),
}


def annotated(texts: Mapping[str, str], found: Labels, reading: Reading) -> Mapping[str, str]:
    """The texts with their holes filled."""
    named = dict(found)

    def fill(hole: re.Match[str]) -> str:
        if hole[1] == "labels":
            return named.get(hole[2], _UNKNOWN)
        value = getattr(reading, hole[1])
        return _UNKNOWN if value is None else _FILTERS[hole[3] or "humanize"](value)

    return {name: _HOLE.sub(fill, text) for name, text in texts.items()}


def problem(text: str, known: set[str]) -> str | None:
    """What is wrong with a text's holes: a label the alert will not have, a figure or filter that does not exist."""
    for hole in _ANY_HOLE.finditer(text):
        match = _HOLE.fullmatch(hole[0])
        if match is None:
            return f"'{hole[0]}' cannot be read; write {{{{ $labels.lane }}}} or {{{{ $value | humanizePercentage }}}}"
        kind, name, filter_ = match.groups()
        if kind == "labels" and name not in known:
            return f"alerts of this rule have no label '{name}'{nearest(name or '', known)}"
        if kind != "labels" and (kind not in _FIGURES or name):
            return f"'${kind}' is none of $labels, {', '.join(f'${each}' for each in _FIGURES)}"
        if filter_ and filter_ not in _FILTERS:
            return f"no filter named '{filter_}'{nearest(filter_, _FILTERS)}"
    return None
