"""Changes around the router that the detector bets on: told ones, and those that the requests show."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from controlsurface.alerting.detectors.drift.stream_counts import utc_from_seconds
from controlsurface.alerting.detectors.drift.stream_tracker import KnownEvent
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.metrics.queries.query_runner import run_events
from controlsurface.query.statement import Statement

KNOWN_EVENT_KINDS = frozenset({"deploy", "model", "price", "config"})

_MODEL_LANES_SQL = """
SELECT model, list(DISTINCT lane) AS lanes
FROM (
    SELECT answered_by AS model, lane, started_at FROM requests
    UNION ALL
    SELECT model, lane, started_at FROM attempts WHERE purpose = 'user'
)
WHERE started_at >= $start AND started_at < $end AND list_contains($models, model)
GROUP BY model
"""


def fetch_known_events(rows: Callable[[Statement], pa.Table], start_s: int, end_s: int) -> list[KnownEvent]:
    """What happened in [start, end). A model that the requests show belongs to the lanes that called it or answered."""
    window = {"start": utc_from_seconds(start_s), "end": utc_from_seconds(end_s)}
    events = [row for row in run_events(rows, EventsArgs(**window)).to_pylist() if row["kind"] in KNOWN_EVENT_KINDS]
    models = {_event_model(row) for row in events} - {""}
    lanes = _model_lanes(rows, window, models) if models else {}
    return [KnownEvent(int(row["at"].timestamp()), lanes.get(_event_model(row))) for row in events]


def _event_model(row: dict[str, Any]) -> str:
    """The model that a found event names; nothing for others."""
    if row["kind"] != "model" or row["source"] != "requests":
        return ""
    return str(row["title"]).removesuffix(" first seen").removesuffix(" last seen")


def _model_lanes(
    rows: Callable[[Statement], pa.Table], window: dict[str, Any], models: set[str]
) -> dict[str, frozenset[str]]:
    """In which lanes models were called or answered."""
    found = rows(Statement(_MODEL_LANES_SQL, window | {"models": sorted(models)}, "alerts.lanes")).to_pylist()
    return {row["model"]: frozenset(row["lanes"]) for row in found}
