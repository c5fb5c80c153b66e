"""Alerts and rules in Prometheus's shapes (HTTP API v1)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from itertools import groupby
from typing import Any

import orjson

from controlsurface.alerting import alert_queries
from controlsurface.client.query_protocol import Query, Result, SupportsQueries
from controlsurface.config import parse_duration

Row = Mapping[str, Any]


def alerts(_: SupportsQueries, answer: Result) -> Any:
    """Pending and firing alerts; those just resolved only as rows."""
    return _success({"alerts": _active(answer.rows.to_pylist())}, answer)


def rules(reader: SupportsQueries, answer: Result) -> Any:
    """Rules with their alerts."""
    found: dict[str, list[Row]] = {}
    for row in reader.run(alert_queries.AlertsQuery()).rows.to_pylist():
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
    return _success({"groups": groups}, answer)


def _success(data: Row, answer: Result) -> Row:
    return {"status": "success", "data": data, **{name: each for name, each in answer.facts.items() if each}}


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
        "overridden": orjson.loads(row["override"])["changes"] if row["override"] else "",
        "lastEvaluation": row["last_evaluation"],
        "evaluationTime": row["evaluation_s"],
    }


def query(about: Row) -> str:
    """What a rule looks for, as JSON without what is said elsewhere."""
    apart = {"alert", "for", "labels", "annotations", "keep_firing_for"}
    return orjson.dumps({name: value for name, value in about.items() if name not in apart and value}).decode()


def _seconds(text: object) -> float:
    """A duration as it is written, or as seconds."""
    found = parse_duration(text)
    return found.total_seconds() if isinstance(found, timedelta) else float(str(found or 0))


# Queries that JSON does not have as rows and facts.
SHAPED: Mapping[type[Query[Any]], Callable[[SupportsQueries, Result], Any]] = {
    alert_queries.AlertsQuery: alerts,
    alert_queries.AlertRulesQuery: rules,
}
