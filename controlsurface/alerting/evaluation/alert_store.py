"""Alerts, their history and the rules in force, as rows: everything a restart finds again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
from pydantic import ValidationError

from controlsurface.alerting.evaluation.alert_state_machine import ActiveAlerts
from controlsurface.alerting.model import Alert, AlertTransition, LabelSet, RuleReading
from controlsurface.alerting.rules.rule_loader import LoadedRuleGroup, RuleSet, is_shipped
from controlsurface.alerting.rules.rule_models import AlertRule, RuleGroup
from controlsurface.alerting.rules.rule_overrides import AppliedOverride, describe_change, rule_json
from controlsurface.store.duckdb import DuckStore, WriteTransaction

_TIME_COLUMNS = ("active_at", "fired_at", "resolved_at", "keep_firing_since", "seen_at", "onset")
_JSON_COLUMNS = ("annotations", "slice", "evidence")
_READING_COLUMNS = tuple(each.name for each in fields(RuleReading))
_TEXT_COLUMNS = ("rule", "labels", "state", *_JSON_COLUMNS)


def _schema(
    texts: Iterable[str], times: Iterable[str] = (), numbers: Iterable[str] = (), **others: pa.DataType
) -> pa.Schema:
    """Columns of text, time and number, and some others."""
    kinds: dict[str, pa.DataType] = dict.fromkeys(texts, pa.string())
    kinds |= dict.fromkeys(times, pa.timestamp("us"))
    kinds |= dict.fromkeys(numbers, pa.float64())
    return pa.schema([*kinds.items(), *others.items()])


ALERTS_SCHEMA = _schema(
    _TEXT_COLUMNS, _TIME_COLUMNS, ("value", "low", "high", "threshold", "before"), breach=pa.bool_(), n=pa.int64()
)
ALERT_HISTORY_SCHEMA = _schema(("rule", "labels", "was", "state"), ("at", "onset"), ("value",), n=pa.int64())
_RULES_SCHEMA = _schema(
    ("rule", "kind", "group_name", "file", "definition", "origin", "override"),
    numbers=("interval_s",),
    position=pa.int32(),
)
_EVALUATIONS_SCHEMA = _schema(("rule", "error"), ("evaluated_at",), ("took_s",))


@dataclass(frozen=True, slots=True)
class RuleLoopStatus:
    """The row of the loop itself."""

    loaded_at: datetime
    problem: str | None = None
    evaluated_at: datetime | None = None
    lag_s: float | None = None
    evaluations: int = 0
    failed: int = 0
    missed: int = 0
    clock_steps: int = 0
    clock_problem: str | None = None
    doubts: str | None = None


def load_alerts(store: DuckStore) -> dict[str, dict[LabelSet, Alert]]:
    """What is known of each rule's alerts."""
    found: dict[str, dict[LabelSet, Alert]] = {}
    for row in store.state("SELECT * FROM alerts").to_pylist():
        alert = _alert_from_row(row)
        found.setdefault(alert.rule, {})[alert.labels] = alert
    return found


def load_loop_status(store: DuckStore) -> RuleLoopStatus | None:
    """What is known of the loop."""
    rows = store.state("SELECT * FROM alert_loop").to_pylist()
    return RuleLoopStatus(**rows[0]) if rows else None


def load_rules_in_force(store: DuckStore) -> RuleSet:
    """The rules that were in force, but for those that this version no longer understands."""
    groups: dict[tuple[str, str, float], list[Any]] = {}
    for row in store.state("SELECT * FROM alert_rules ORDER BY position").to_pylist():
        key = row["file"], row["group_name"], row["interval_s"]
        groups.setdefault(key, []).append(orjson.loads(row["definition"]))
    found = (_group(*key, members) for key, members in groups.items())
    return RuleSet(tuple(source for source in found if source))


def _group(file: str, name: str, interval_s: float, members: Sequence[Any]) -> LoadedRuleGroup | None:
    """A group as it was."""
    try:
        return LoadedRuleGroup(file, RuleGroup.model_validate({"name": name, "interval": interval_s, "rules": members}))
    except ValidationError:
        return None


def write_alerts(writing: WriteTransaction, changed: Iterable[Alert], gone: Iterable[tuple[str, LabelSet]]) -> None:
    """Replace the rows of alerts that changed; drop those that are gone."""
    rows = [_alert_row(alert) for alert in changed]
    keys = [{"rule": row["rule"], "labels": row["labels"]} for row in rows]
    keys += [{"rule": rule, "labels": labels_to_json(labels)} for rule, labels in gone]
    if keys:
        writing.attach("alert_keys", pa.Table.from_pylist(keys))
        writing.execute("DELETE FROM alerts WHERE (rule, labels) IN (SELECT (rule, labels) FROM alert_keys)")
    if rows:
        writing.attach("alert_rows", pa.Table.from_pylist(rows, ALERTS_SCHEMA))
        writing.execute("INSERT INTO alerts BY NAME SELECT * FROM alert_rows")


def write_alert_history(writing: WriteTransaction, transitions: Sequence[AlertTransition]) -> None:
    """Add what changed its state."""
    if transitions:
        rows = [_transition_row(each) for each in transitions]
        writing.attach("alert_moves", pa.Table.from_pylist(rows, ALERT_HISTORY_SCHEMA))
        writing.execute("INSERT INTO alert_history BY NAME SELECT * FROM alert_moves")


def write_rules(writing: WriteTransaction, found: RuleSet) -> None:
    """Replace the rules in force; what is known of a rule's last evaluation stays."""
    rows = [
        {
            "rule": rule.alert,
            "kind": rule.kind,
            "group_name": source.group.name,
            "file": source.file,
            "interval_s": source.group.interval.total_seconds(),
            "definition": rule_definition(rule),
            "origin": "shipped" if is_shipped(source.file) else "own",
            "override": _override_json(found.overrides.get(rule.alert), rule),
        }
        for source in found.groups
        for rule in source.group.rules
    ]
    numbered = [{**row, "position": i} for i, row in enumerate(rows)]
    writing.attach("new_rules", pa.Table.from_pylist(numbered, _RULES_SCHEMA))
    writing.materialize(
        "known_rules",
        """
        SELECT n.*, coalesce(o.health, 'unknown') AS health, o.last_error, o.last_evaluation, o.evaluation_s, o.note
        FROM new_rules AS n LEFT JOIN alert_rules AS o ON o.rule = n.rule AND o.definition = n.definition
    """,
    )
    writing.execute("DELETE FROM alert_rules")
    writing.execute("INSERT INTO alert_rules BY NAME SELECT * FROM known_rules")


def _override_json(override: AppliedOverride | None, rule: AlertRule) -> str | None:
    """What an override says, where it stands and what it changes, as JSON."""
    if override is None:
        return None
    about = {"file": override.file, "line": override.line, "changes": describe_change(override.original, rule)}
    return orjson.dumps(about | {"original": rule_json(override.original)}).decode()


def write_evaluations(
    writing: WriteTransaction, errors: Mapping[str, str | None], now: datetime, took_s: float
) -> None:
    """How the evaluation at `now` went: each rule's error, or None."""
    rows = [{"rule": rule, "error": text, "evaluated_at": now, "took_s": took_s} for rule, text in errors.items()]
    writing.attach("evaluated", pa.Table.from_pylist(rows, _EVALUATIONS_SCHEMA))
    writing.execute("""
        UPDATE alert_rules SET health = if(e.error IS NULL, 'ok', 'err'), last_error = e.error,
            last_evaluation = e.evaluated_at, evaluation_s = e.took_s
        FROM evaluated AS e WHERE e.rule = alert_rules.rule
    """)


def write_loop_status(writing: WriteTransaction, row: RuleLoopStatus) -> None:
    """Replace the loop's own row."""
    values = {each.name: getattr(row, each.name) for each in fields(row)}
    writing.execute("DELETE FROM alert_loop")
    names, marks = ", ".join(values), ", ".join(f"${name}" for name in values)
    writing.execute(f"INSERT INTO alert_loop ({names}) VALUES ({marks})", values)


def rule_definition(rule: AlertRule) -> str:
    """The rule as JSON that reads as the same rule."""
    return orjson.dumps(rule_json(rule)).decode()


def labels_to_json(labels: LabelSet) -> str:
    """A label set as JSON; equal sets are equal texts."""
    return orjson.dumps(dict(labels)).decode()


def _alert_row(alert: Alert) -> dict[str, Any]:
    found = {each.name: getattr(alert, each.name) for each in fields(alert) if each.name != "reading"}
    found |= {name: getattr(alert.reading, name) for name in _READING_COLUMNS}
    found |= {name: orjson.dumps(dict(found[name]), default=str).decode() for name in _JSON_COLUMNS}
    return found | {"labels": labels_to_json(alert.labels)}


def _alert_from_row(row: Mapping[str, Any]) -> Alert:
    found = {**row} | {name: orjson.loads(row[name]) for name in _JSON_COLUMNS}
    reading = RuleReading(**{name: found.pop(name) for name in _READING_COLUMNS})
    return Alert(**{**found, "labels": tuple(orjson.loads(row["labels"]).items())}, reading=reading)


def _transition_row(each: AlertTransition) -> dict[str, Any]:
    reading = each.alert.reading if each.alert else None
    return {
        "at": each.at,
        "rule": each.rule,
        "labels": labels_to_json(each.labels),
        "was": each.was,
        "state": each.alert.state if each.alert else None,
        "value": reading and reading.value,
        "n": reading and reading.n,
        "onset": reading.onset if reading else None,
    }


def changed_alerts(
    before: Mapping[str, ActiveAlerts], after: Mapping[str, ActiveAlerts]
) -> tuple[list[Alert], list[tuple[str, LabelSet]]]:
    """Which alerts of `after` are not as they were, and which of `before` are gone; rules not in `after` are left."""
    different = [
        alert
        for rule, active in after.items()
        for key, alert in active.items()
        if before.get(rule, {}).get(key) != alert
    ]
    gone = [(rule, key) for rule in after for key in before.get(rule, {}) if key not in after[rule]]
    return different, gone
