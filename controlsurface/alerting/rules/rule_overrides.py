"""What differs from a rule of another file: merged key by key (RFC 7396), found again as a difference, and said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controlsurface.alerting.rules.rule_models import AlertRule

_MISSING = object()
_THRESHOLD_KEYS = {"above", "below", "above.limit", "below.limit"}


@dataclass(frozen=True, slots=True)
class AppliedOverride:
    """An override in force: where it stands, and the rule as it is without it."""

    file: str
    line: int
    original: AlertRule


def rule_json(rule: AlertRule) -> dict[str, Any]:
    """The rule as a table that reads as the same rule."""
    return rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def merge_patch(value: Any, patch: Any) -> Any:
    """The value with the patch merged into it (RFC 7396): tables key by key, null removes a key, all else replaces.

    >>> merge_patch({"above": {"times": 2, "limit": 0.3}, "for": "5m"}, {"above": {"limit": 0.4}, "for": None})
    {'above': {'times': 2, 'limit': 0.4}}
    """
    if not isinstance(patch, Mapping):
        return patch
    found = dict(value) if isinstance(value, Mapping) else {}
    for name, each in patch.items():
        if each is None:
            found.pop(name, None)
        else:
            found[name] = merge_patch(found.get(name), each)
    return found


def diff_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest patch that leads from one to the other.

    >>> diff_patch({"above": {"times": 2, "limit": 0.3}, "for": "5m"}, {"above": {"times": 2, "limit": 0.4}})
    {'above': {'limit': 0.4}, 'for': None}
    """
    changed: dict[str, Any] = {}
    for name, value in after.items():
        old = before.get(name, _MISSING)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            if inner := diff_patch(old, value):
                changed[name] = inner
        elif value != old:
            changed[name] = value
    return changed | dict.fromkeys(name for name in before if name not in after)


def describe_change(before: AlertRule, after: AlertRule) -> str:
    """What an override changes, with what was shipped, such as `threshold 0.3 (shipped 0.2), for 20m (shipped 10m)`."""
    old, new = (dict(_flat(rule_json(rule))) for rule in (before, after))
    differing = (name for name in {**old, **new} if old.get(name) != new.get(name))
    names = sorted(differing, key=lambda name: name not in _THRESHOLD_KEYS)
    return ", ".join(f"{_label(name)} {_plain(new.get(name))} (shipped {_plain(old.get(name))})" for name in names)


def _flat(value: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no table, under its place."""
    for name, each in value.items():
        if isinstance(each, Mapping):
            yield from _flat(each, f"{place}{name}.")
        else:
            yield f"{place}{name}", each


def _label(name: str) -> str:
    return "threshold" if name in _THRESHOLD_KEYS else name.removeprefix("labels.")


def _plain(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
