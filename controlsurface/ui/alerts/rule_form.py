"""The fields of a rule as a form has them: a rule into fields, fields into a rule. No widgets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controlsurface.errors import BadRequest
from controlsurface.metrics.catalog import CATALOG

CONDITIONS = ("above", "below", "drift")
_FORM_KEYS = ("metric", "budget")  # what a rule must have for the form to know all of it


def has_form(rule: Mapping[str, Any]) -> bool:
    """Whether the form has fields for a rule of this kind; others are written as JSON."""
    return any(name in rule for name in _FORM_KEYS)


def condition_of(rule: Mapping[str, Any]) -> str:
    """`above`, `below` or `drift`."""
    return next((name for name in CONDITIONS if name in rule), "above")


def threshold_scale(metric: str) -> tuple[float, str]:
    """What a threshold is multiplied by in the form, and its unit there: shares are percentages."""
    unit = CATALOG[metric].unit
    return (100.0, "%") if unit == "ratio" else (1.0, {"usd": "USD", "ms": "ms", "count": ""}.get(unit, unit))


def threshold_of(rule: Mapping[str, Any], condition: str) -> float | None:
    """The number that a rule is held against: tolerance, bound, or limit of a bound that is another figure."""
    found = rule.get(condition)
    if isinstance(found, Mapping):
        found = found.get("tolerance" if condition == "drift" else "limit")
    return float(found) if isinstance(found, int | float) else None


@dataclass(frozen=True, slots=True)
class FormFields:
    """What was filled in; `threshold` in the form's unit, None where the rule has no number."""

    name: str
    metric: str = ""
    by: Sequence[str] = ()
    where: str = ""
    condition: str = "above"
    threshold: float | None = None
    interval: bool = False
    times: Mapping[str, str] = ()  # type: ignore[assignment] # over, for, keep_firing_for
    min_count: int | None = None
    severity: str = ""
    labels: str = ""
    notifier: str = ""
    summary: str = ""
    budget: Mapping[str, Any] | None = None


def rule_from_form(base: Mapping[str, Any], said: FormFields) -> dict[str, Any]:
    """The rule: the one that the form began with, and what was changed in it. Raises BadRequest naming the field."""
    rule = {**base, "alert": said.name.strip()}
    fields: dict[str, Any] = {"by": [*said.by], "where": parse_pairs(said.where, "Filter", listed=True), **said.times}
    labels = parse_pairs(said.labels, "Labels") | {"severity": said.severity, "notifier": said.notifier}
    fields["labels"] = {name: value for name, value in labels.items() if value}
    fields["annotations"] = {**base.get("annotations", {}), "summary": said.summary}
    if said.budget is None:
        fields |= {"metric": said.metric, **_condition(base, said)}
    else:
        fields["budget"] = {**base.get("budget", {}), **said.budget}
    rule |= fields
    return {name: value for name, value in rule.items() if value not in (None, "", [], {}) or name == "alert"}


def _condition(base: Mapping[str, Any], said: FormFields) -> dict[str, Any]:
    """The bound; the one of the other side goes."""
    found: dict[str, Any] = dict.fromkeys(CONDITIONS)
    if said.condition == "drift":
        unknown = dict.fromkeys(("over", "judge", "min_count"))
        return found | unknown | {"drift": {"tolerance": said.threshold or 1.2}}
    before = base.get(said.condition)
    value = None if said.threshold is None else round(said.threshold / threshold_scale(said.metric)[0], 12)
    if isinstance(before, Mapping):
        found[said.condition] = {**before, **({} if value is None else {"limit": value})}
    else:
        found[said.condition] = value
    judge = "interval" if said.interval and CATALOG[said.metric].kind == "ratio" else None
    return found | {"judge": judge, "min_count": said.min_count}


def parse_pairs(text: str, field: str, *, listed: bool = False) -> dict[str, Any]:
    r"""`name=value`, one a line. With `listed` a name may come again, and no value is unknown. Raises BadRequest.

    >>> parse_pairs("lane=small\nlane=large\nteam=", "Filter", listed=True)
    {'lane': ['small', 'large'], 'team': [None]}
    """
    found: dict[str, Any] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, sign, value = (part.strip() for part in line.partition("="))
        if not sign or not name:
            raise BadRequest(f"{field}: '{line[:60]}'; write name=value, one a line")
        if listed:
            found.setdefault(name, []).append(value or None)
        else:
            found[name] = value
    return found


def pairs_text(pairs: Mapping[str, Any], leave_out: Sequence[str] = ()) -> str:
    """The other way round."""
    lines = []
    for name, value in pairs.items():
        values = value if isinstance(value, list) else [value]
        lines += [f"{name}={each or ''}" for each in values if name not in leave_out]
    return "\n".join(lines)
