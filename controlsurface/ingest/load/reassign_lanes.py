"""Stored calls of a model get the lane that the configuration now gives it: derived anew, the latest first.

What is still to be done lies in the store, so that a crash forgets nothing.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from threading import Event

from controlsurface.config import LaneConfig
from controlsurface.ingest.derive import derive_requests, gather_spans, lane_macros
from controlsurface.ingest.load.batch import BatchLoader
from controlsurface.ingest.load.lane_inference import mark_for_reassignment
from controlsurface.store.duckdb import DuckStore, WriteTransaction

_NAME = "SELECT lower(model_name($model)) AS name"
_FORGET = "DELETE FROM relaning WHERE model = $model"
_REMEMBER = 'INSERT INTO relaning (model, "until") VALUES ($model, $until)'
_WAITING = 'SELECT model, "until" FROM relaning ORDER BY model LIMIT 1'
_NOTHING = "SELECT * FROM spans LIMIT 0"
# Spans of one moment stay together: the next step goes on before it.
_CLAIMED = """
WITH named AS (
    SELECT name FROM (SELECT DISTINCT model AS name FROM spans UNION SELECT DISTINCT selected_model FROM spans)
    WHERE lower(model_name(name)) = $model
),
mine AS (
    SELECT trace_id, started_at FROM spans
    WHERE started_at < $until AND (model IN (FROM named) OR selected_model IN (FROM named))
)
SELECT * FROM mine
WHERE started_at >= (SELECT min(started_at) FROM (SELECT started_at FROM mine ORDER BY started_at DESC LIMIT $most))
"""
_TOUCHED = "SELECT DISTINCT trace_id FROM claimed"
_BOUNDS = "SELECT min(started_at) AS low, max(started_at) AS high FROM claimed"


def lane_model_name(store: DuckStore, model: str) -> str:
    """The name by which lanes know a model: lower case, without provider prefix and date; empty for none."""
    return str(store.state(_NAME, {"model": model})["name"][0].as_py() or "")


def request_reassignment(writing: WriteTransaction, lanes: dict[str, LaneConfig], models: Iterable[str]) -> None:
    """Put these lanes in force, and remember that stored calls of `models` follow them."""
    writing.define_functions(lane_macros(lanes))
    mark_for_reassignment(writing, models)


def reassignment_pending(store: DuckStore) -> bool:
    """Whether something is still to be derived anew."""
    return bool(store.state("SELECT 1 FROM relaning LIMIT 1").num_rows)


def reassignment_steps(done: Event) -> Callable[[BatchLoader, WriteTransaction], bool]:
    """What the writer does between batches until nothing is left; then `done` is set."""

    def one(loader: BatchLoader, writing: WriteTransaction) -> bool:
        more = reassign_step(loader, writing)
        if not more:
            done.set()
        return more

    return one


def reassign_step(loader: BatchLoader, writing: WriteTransaction) -> bool:
    """Derive as many spans anew as fit a transaction; False when nothing is left."""
    waiting = writing.rows(_WAITING).to_pylist()
    if not waiting:
        return False
    model = {"model": waiting[0]["model"]}
    low = _derived(loader, writing, {**model, "until": waiting[0]["until"]})
    writing.execute(_FORGET, model)
    if low is not None:
        writing.execute(_REMEMBER, {**model, "until": low})
    return True


def _derived(loader: BatchLoader, writing: WriteTransaction, claimed: dict[str, object]) -> datetime | None:
    """The latest calls before a time, derived anew; when the first of them began, None where there are none."""
    writing.materialize("claimed", _CLAIMED, {**claimed, "most": loader.config.writer.max_rows})
    bounds = writing.rows(_BOUNDS).to_pylist()[0]
    low: datetime | None = bounds["low"]
    if low is None:
        return None
    writing.materialize("touched", _TOUCHED)
    writing.materialize("batch", _NOTHING)
    reach = gather_spans(writing, low, bounds["high"], loader.config.writer.trace_window)
    derive_requests(writing, loader.config, loader.prices_of, reach, seen_before=True)
    return low
