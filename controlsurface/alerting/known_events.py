"""Changes around the router that the detector bets on: told ones, and those that the requests show."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from controlsurface.alerting.counts import moment
from controlsurface.alerting.watched import Known
from controlsurface.metrics.asking import ask_events
from controlsurface.metrics.events import EventsArgs
from controlsurface.metrics.statement import Statement

KINDS = frozenset({"deploy", "model", "price", "config"})

_LANES = """
SELECT model, list(DISTINCT lane) AS lanes
FROM (
    SELECT answered_by AS model, lane, started_at FROM requests
    UNION ALL
    SELECT model, lane, started_at FROM attempts WHERE purpose = 'user'
)
WHERE started_at >= $start AND started_at < $end AND list_contains($models, model)
GROUP BY model
"""


def known_events(rows: Callable[[Statement], pa.Table], start_s: int, end_s: int) -> list[Known]:
    """What happened in [start, end). A model that the requests show belongs to the lanes that called it or answered."""
    window = {"start": moment(start_s), "end": moment(end_s)}
    events = [row for row in ask_events(rows, EventsArgs(**window)).to_pylist() if row["kind"] in KINDS]
    models = {_model(row) for row in events} - {""}
    lanes = _lanes(rows, window, models) if models else {}
    return [Known(int(row["at"].timestamp()), lanes.get(_model(row))) for row in events]


def _model(row: dict[str, Any]) -> str:
    """The model that a found event names; nothing for others."""
    if row["kind"] != "model" or row["source"] != "requests":
        return ""
    return str(row["title"]).removesuffix(" first seen").removesuffix(" last seen")


def _lanes(
    rows: Callable[[Statement], pa.Table], window: dict[str, Any], models: set[str]
) -> dict[str, frozenset[str]]:
    """In which lanes models were called or answered."""
    found = rows(Statement(_LANES, window | {"models": sorted(models)}, "alerts.lanes")).to_pylist()
    return {row["model"]: frozenset(row["lanes"]) for row in found}
