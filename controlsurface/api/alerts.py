"""The addresses of alerts and rules in Prometheus's shapes (HTTP API v1), and of what was sent."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any

import orjson

from controlsurface.alerting import asked
from controlsurface.alerting.rehearsal import Backtest, BacktestArgs
from controlsurface.alerting.silencing import NoArguments
from controlsurface.alerting.thresholds import SetThreshold, Threshold
from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import COUNT, MAYBE_TEXT, NUMBER, TEXT, TIME, Schema, many, record
from controlsurface.api.telling import Call, Telling, Told
from controlsurface.config import duration
from controlsurface.reader import Reader

Row = Mapping[str, Any]

_TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_ALERT = record(
    {"labels": _TEXTS, "annotations": _TEXTS, "state": {"enum": ["pending", "firing"]}, "activeAt": TIME}
    | {"value": TEXT, "heldBy": MAYBE_TEXT}
)
_RULE = record(
    dict.fromkeys(("type", "name", "query", "state", "health", "lastError", "note"), TEXT)
    | {"duration": NUMBER, "labels": _TEXTS, "annotations": _TEXTS, "alerts": many(_ALERT)}
    | {"lastEvaluation": TIME, "evaluationTime": {"type": ["number", "null"]}}
)
_GROUP = record({"name": TEXT, "file": TEXT, "interval": NUMBER, "rules": many(_RULE)})


def _success(data: Mapping[str, Schema]) -> Schema:
    found = {"status": {"const": "success"}, "data": record(data), "warnings": many(TEXT)}
    return record(found, optional=("warnings",))


ALERTS = _success({"alerts": many(_ALERT)})
RULES = _success({"groups": many(_GROUP)})
HISTORY = record(
    {
        "rows": many(
            record({"at": TIME, "rule": TEXT, "labels": TEXT, "was": MAYBE_TEXT, "state": MAYBE_TEXT, "onset": TIME})
        )
    }
)
MESSAGES = record(
    {
        "rows": many(
            record(
                {"id": TEXT, "notifier": TEXT, "reason": TEXT, "state": {"enum": ["waiting", "sent", "dead"]}}
                | {"attempts": COUNT, "created_at": TIME, "sent_at": TIME, "problem": MAYBE_TEXT, "title": MAYBE_TEXT}
            )
        )
    }
)


_MAYBE: Schema = {"type": ["number", "null"]}
FIRINGS = record(
    {
        "rows": many(
            record(
                {"rule": TEXT, "labels": TEXT, "since": TIME, "until": TIME, "onset": TIME}
                | dict.fromkeys(("value", "n", "low", "high", "threshold", "before"), _MAYBE)
            )
        ),
        "elapsed_ms": NUMBER,
    }
)


@dataclass(frozen=True, slots=True)
class Listed(Tabular):
    """Rows that JSON has as Prometheus does."""

    data: Any = None

    def plain(self) -> Any:
        """The answer as lists and mappings."""
        return {"status": "success", "data": self.data, **{name: each for name, each in self.facts.items() if each}}


def alerts(reader: Reader, _: NoArguments, __: Path) -> Listed:
    """Pending and firing alerts; those just resolved only as rows."""
    rows = reader.ask(asked.Alerts()).rows
    return Listed("alerts", rows, data={"alerts": _active(rows.to_pylist())})


def rules(reader: Reader, _: NoArguments, __: Path) -> Listed:
    """Rules with their alerts."""
    answer = reader.ask(asked.Rules())
    found: dict[str, list[Row]] = {}
    for row in reader.ask(asked.Alerts()).rows.to_pylist():
        found.setdefault(row["rule"], []).append(row)
    groups = [
        {
            "name": name,
            "file": file,
            "interval": interval_s,
            "rules": [_rule(row, found.get(row["rule"], [])) for row in members],
        }
        for (file, name, interval_s), members in groupby(answer.rows.to_pylist(), _place)
    ]
    return Listed("rules", answer.rows, answer.facts, data={"groups": groups})


def _place(row: Row) -> tuple[str, str, float]:
    return row["file"], row["group_name"], row["interval_s"]


def _active(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Alerts as Prometheus lists them, and what holds them back."""
    return [
        {
            "labels": orjson.loads(row["labels"]),
            "annotations": orjson.loads(row["annotations"]),
            "state": row["state"],
            "activeAt": row["active_at"],
            "value": "NaN" if row["value"] is None else f"{row['value']:g}",
            "heldBy": row["held_by"],
        }
        for row in rows
        if row["state"] != "resolved"
    ]


def _rule(row: Row, alerts: Iterable[Row]) -> dict[str, Any]:
    """A rule as Prometheus lists it; its query is the rule itself."""
    about, active = orjson.loads(row["definition"]), _active(alerts)
    states = {each["state"] for each in active}
    return {
        "type": "alerting",
        "name": row["rule"],
        "query": query(about),
        "duration": _seconds(about.get("for")),
        "labels": about.get("labels") or {},
        "annotations": about.get("annotations") or {},
        "alerts": active,
        "state": next((state for state in ("firing", "pending") if state in states), "inactive"),
        "health": row["health"],
        "lastError": row["last_error"] or "",
        "note": row["note"] or "",
        "lastEvaluation": row["last_evaluation"],
        "evaluationTime": row["evaluation_s"],
    }


def query(about: Row) -> str:
    """What a rule looks for, as JSON without what is said elsewhere."""
    apart = {"alert", "for", "labels", "annotations", "keep_firing_for"}
    return orjson.dumps({name: value for name, value in about.items() if name not in apart and value}).decode()


def _seconds(text: object) -> float:
    """A duration as it is written, or as seconds."""
    found = duration(text)
    return found.total_seconds() if isinstance(found, timedelta) else float(str(found or 0))


def backtest(reader: Reader, args: BacktestArgs, _: Path) -> Tabular:
    """When a rule would have fired."""
    answer = reader.ask(Backtest(args))
    return Tabular("rows", answer.rows, answer.facts)


def history(reader: Reader, args: asked.Latest, _: Path) -> Tabular:
    """Changes of state."""
    return Tabular("rows", reader.ask(asked.History(args)).rows)


def notifications(reader: Reader, args: asked.Latest, _: Path) -> Tabular:
    """Messages."""
    return Tabular("rows", reader.ask(asked.Messages(args)).rows)


def set_threshold(reader: Reader, threshold: Threshold, call: Call) -> Told:
    """Write it under the name of whoever says so."""
    named = threshold.model_copy(update={"who": call.caller.name or threshold.who})
    return Told(reader.do(SetThreshold(call.path["alert"], named)))


TELLINGS = (
    Telling(
        "/api/v1/rules/{alert:path}/threshold",
        "Change a rule's threshold in its file",
        Threshold,
        set_threshold,
        record({"rule": TEXT, "value": NUMBER, "file": TEXT}),
        method="PUT",
        role="admin",
        status=200,
        problems=("404", "409"),
    ),
)
OPERATIONS = (
    Operation("/api/v1/alerts", "Alerts that are pending or fire", NoArguments, alerts, ALERTS),
    Operation("/api/v1/alerts/history", "Changes of alerts, the newest first", asked.Latest, history, HISTORY),
    Operation("/api/v1/rules/backtest", "When a rule would have fired", BacktestArgs, backtest, FIRINGS),
    Operation("/api/v1/rules", "Rules in force, with their alerts", NoArguments, rules, RULES),
    Operation("/api/v1/notifications", "Messages sent, waiting and given up", asked.Latest, notifications, MESSAGES),
)
