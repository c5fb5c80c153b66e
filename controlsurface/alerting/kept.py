"""Alerts, their history and the rules in force, as rows: everything a restart finds again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
from pydantic import ValidationError

from controlsurface.alerting.advance import Active
from controlsurface.alerting.files import RuleSet, Source
from controlsurface.alerting.labels import Labels
from controlsurface.alerting.rules import Group, Rule
from controlsurface.alerting.state import Alert, Reading, Transition
from controlsurface.store.duckdb import DuckStore, Writing

_TIMES = ("active_at", "fired_at", "resolved_at", "keep_firing_since", "seen_at", "onset")
_JSON = ("annotations", "slice", "evidence")
_READING = tuple(each.name for each in fields(Reading))
_TEXTS = ("rule", "labels", "state", *_JSON)


def _schema(
    texts: Iterable[str], times: Iterable[str] = (), numbers: Iterable[str] = (), **others: pa.DataType
) -> pa.Schema:
    """Columns of text, time and number, and some others."""
    kinds: dict[str, pa.DataType] = dict.fromkeys(texts, pa.string())
    kinds |= dict.fromkeys(times, pa.timestamp("us"))
    kinds |= dict.fromkeys(numbers, pa.float64())
    return pa.schema([*kinds.items(), *others.items()])


ALERTS = _schema(_TEXTS, _TIMES, ("value", "low", "high", "threshold", "before"), breach=pa.bool_(), n=pa.int64())
HISTORY = _schema(("rule", "labels", "was", "state"), ("at", "onset"), ("value",), n=pa.int64())
_RULES = _schema(("rule", "kind", "group_name", "file", "definition"), numbers=("interval_s",), position=pa.int32())
_EVALUATIONS = _schema(("rule", "error"), ("evaluated_at",), ("took_s",))


@dataclass(frozen=True, slots=True)
class Loop:
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


def alerts(store: DuckStore) -> dict[str, dict[Labels, Alert]]:
    """What is known of each rule's alerts."""
    found: dict[str, dict[Labels, Alert]] = {}
    for row in store.state("SELECT * FROM alerts").to_pylist():
        alert = _alert(row)
        found.setdefault(alert.rule, {})[alert.labels] = alert
    return found


def loop(store: DuckStore) -> Loop | None:
    """What is known of the loop."""
    rows = store.state("SELECT * FROM alert_loop").to_pylist()
    return Loop(**rows[0]) if rows else None


def rules(store: DuckStore) -> RuleSet:
    """The rules that were in force, but for those that this version no longer understands."""
    groups: dict[tuple[str, str, float], list[Any]] = {}
    for row in store.state("SELECT * FROM alert_rules ORDER BY position").to_pylist():
        key = row["file"], row["group_name"], row["interval_s"]
        groups.setdefault(key, []).append(orjson.loads(row["definition"]))
    found = (_group(*key, members) for key, members in groups.items())
    return RuleSet(tuple(source for source in found if source))


def _group(file: str, name: str, interval_s: float, members: Sequence[Any]) -> Source | None:
    """A group as it was."""
    try:
        return Source(file, Group.model_validate({"name": name, "interval": interval_s, "rules": members}))
    except ValidationError:
        return None


def keep_alerts(writing: Writing, changed: Iterable[Alert], gone: Iterable[tuple[str, Labels]]) -> None:
    """Replace the rows of alerts that changed; drop those that are gone."""
    rows = [_row(alert) for alert in changed]
    keys = [{"rule": row["rule"], "labels": row["labels"]} for row in rows]
    keys += [{"rule": rule, "labels": written(labels)} for rule, labels in gone]
    if keys:
        writing.attach("alert_keys", pa.Table.from_pylist(keys))
        writing.execute("DELETE FROM alerts WHERE (rule, labels) IN (SELECT (rule, labels) FROM alert_keys)")
    if rows:
        writing.attach("alert_rows", pa.Table.from_pylist(rows, ALERTS))
        writing.execute("INSERT INTO alerts BY NAME SELECT * FROM alert_rows")


def keep_history(writing: Writing, transitions: Sequence[Transition]) -> None:
    """Add what changed its state."""
    if transitions:
        writing.attach("alert_moves", pa.Table.from_pylist([_move(each) for each in transitions], HISTORY))
        writing.execute("INSERT INTO alert_history BY NAME SELECT * FROM alert_moves")


def keep_rules(writing: Writing, found: RuleSet) -> None:
    """Replace the rules in force; what is known of a rule's last evaluation stays."""
    rows = [
        {
            "rule": rule.alert,
            "kind": rule.kind,
            "group_name": source.group.name,
            "file": source.file,
            "interval_s": source.group.interval.total_seconds(),
            "definition": defined(rule),
        }
        for source in found.groups
        for rule in source.group.rules
    ]
    numbered = [{**row, "position": i} for i, row in enumerate(rows)]
    writing.attach("new_rules", pa.Table.from_pylist(numbered, _RULES))
    writing.materialize(
        "known_rules",
        """
        SELECT n.*, coalesce(o.health, 'unknown') AS health, o.last_error, o.last_evaluation, o.evaluation_s, o.note
        FROM new_rules AS n LEFT JOIN alert_rules AS o ON o.rule = n.rule AND o.definition = n.definition
    """,
    )
    writing.execute("DELETE FROM alert_rules")
    writing.execute("INSERT INTO alert_rules BY NAME SELECT * FROM known_rules")


def keep_evaluations(writing: Writing, errors: Mapping[str, str | None], now: datetime, took_s: float) -> None:
    """How the evaluation at `now` went: each rule's error, or None."""
    rows = [{"rule": rule, "error": text, "evaluated_at": now, "took_s": took_s} for rule, text in errors.items()]
    writing.attach("evaluated", pa.Table.from_pylist(rows, _EVALUATIONS))
    writing.execute("""
        UPDATE alert_rules SET health = if(e.error IS NULL, 'ok', 'err'), last_error = e.error,
            last_evaluation = e.evaluated_at, evaluation_s = e.took_s
        FROM evaluated AS e WHERE e.rule = alert_rules.rule
    """)


def keep_loop(writing: Writing, row: Loop) -> None:
    """Replace the loop's own row."""
    values = {each.name: getattr(row, each.name) for each in fields(row)}
    writing.execute("DELETE FROM alert_loop")
    names, marks = ", ".join(values), ", ".join(f"${name}" for name in values)
    writing.execute(f"INSERT INTO alert_loop ({names}) VALUES ({marks})", values)


def defined(rule: Rule) -> str:
    """The rule as JSON that reads as the same rule."""
    return orjson.dumps(rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)).decode()


def written(labels: Labels) -> str:
    """A label set as JSON; equal sets are equal texts."""
    return orjson.dumps(dict(labels)).decode()


def read_labels(text: str) -> Labels:
    """The inverse of `written`."""
    return tuple(orjson.loads(text).items())


def _row(alert: Alert) -> dict[str, Any]:
    """An alert as a row."""
    found = {each.name: getattr(alert, each.name) for each in fields(alert) if each.name != "reading"}
    found |= {name: getattr(alert.reading, name) for name in _READING}
    found |= {name: orjson.dumps(dict(found[name]), default=str).decode() for name in _JSON}
    return {**found, "labels": written(alert.labels), **{name: found[name] for name in _TIMES}}


def _alert(row: Mapping[str, Any]) -> Alert:
    """A row as the alert it was."""
    found = dict(row.items())
    found |= {name: orjson.loads(row[name]) for name in _JSON}
    reading = Reading(**{name: found.pop(name) for name in _READING})
    return Alert(**{**found, "labels": read_labels(row["labels"])}, reading=reading)


def _move(each: Transition) -> dict[str, Any]:
    """A transition as a row."""
    reading = each.alert.reading if each.alert else None
    return {
        "at": each.at,
        "rule": each.rule,
        "labels": written(each.labels),
        "was": each.was,
        "state": each.alert.state if each.alert else None,
        "value": reading and reading.value,
        "n": reading and reading.n,
        "onset": reading.onset if reading else None,
    }


def changed(before: Mapping[str, Active], after: Mapping[str, Active]) -> tuple[list[Alert], list[tuple[str, Labels]]]:
    """Which alerts of `after` are not as they were, and which of `before` are gone; rules not in `after` are left."""
    different = [
        alert
        for rule, active in after.items()
        for key, alert in active.items()
        if before.get(rule, {}).get(key) != alert
    ]
    gone = [(rule, key) for rule in after for key in before.get(rule, {}) if key not in after[rule]]
    return different, gone
