"""The comparators of the configuration as rows of the store, where the comparisons are made."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from controlsurface.config import AuditConfig, ComparatorConfig
from controlsurface.store.named_query import StateSql

_CLEAR: StateSql = ("DELETE FROM comparators", {})
_ADD = (
    "INSERT INTO comparators (task_type, kind, tolerance, fields, evaluation, described) "
    "VALUES ($task_type, $kind, $tolerance, $fields, $evaluation, $described)"
)


def install_comparators(audit: AuditConfig) -> list[StateSql]:
    """The statements that make these comparators the ones that all comparisons go by."""
    return [_CLEAR, *((_ADD, row) for row in _rows(audit))]


def describe_comparator(rule: ComparatorConfig) -> str:
    """A comparator in words: kind, what it looks at, tolerance, and a version that changes with any of them.

    >>> describe_comparator(ComparatorConfig(kind="json", fields=("$.total",), tolerance=0))
    'json $.total, tolerance 0, version 76d903'
    """
    what = " ".join([rule.kind, *rule.fields, *([rule.evaluation] if rule.kind == "judge" else [])])
    bound = f", tolerance {rule.tolerance:g}" if rule.kind in {"number", "json", "judge"} else ""
    return f"{what}{bound}, version {sha256(rule.model_dump_json().encode()).hexdigest()[:6]}"


def _rows(audit: AuditConfig) -> Iterator[dict[str, Any]]:
    """One row a kind of task, and one (None) for all others."""
    for task_type, rule in [(None, audit.comparator), *audit.comparators.items()]:
        given = rule.model_dump(mode="json") | {"evaluation": rule.evaluation or None}
        yield given | {"task_type": task_type, "described": describe_comparator(rule)}
