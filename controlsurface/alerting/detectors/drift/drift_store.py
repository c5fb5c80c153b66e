"""The detector's rows: written when buckets settle, read after a restart."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from controlsurface.alerting.detectors.drift.baseline_training import EMPTY_BASELINE, BaselineAnchor
from controlsurface.alerting.detectors.drift.drift_state import DriftState, fresh_state
from controlsurface.alerting.detectors.drift.stream_counts import Stream, utc_from_seconds
from controlsurface.alerting.detectors.drift.stream_tracker import TrackedStreams
from controlsurface.alerting.detectors.drift.warmup import HourlyHistory
from controlsurface.alerting.detectors.statistics.count_baseline import HOUR_CELLS, Baseline
from controlsurface.store.duckdb import DuckStore, WriteTransaction

_STREAMS_SQL = """
SELECT part, slice, bound, baseline, state,
    epoch(anchored_from)::BIGINT AS from_s, coalesce(epoch(anchored_to)::BIGINT, 0) AS to_s,
    coalesce(epoch(accepted_at)::BIGINT, 0) AS accepted_s
FROM drift_streams WHERE rule = $rule AND definition = $definition
"""
_TRAINED_SQL = """
SELECT epoch(settled_at)::BIGINT AS settled_s, epoch(first_at)::BIGINT AS first_s, requests,
    epoch(seen_at)::BIGINT AS seen_s
FROM drift_learnt WHERE rule = $rule AND definition = $definition
"""
_TRAINED_INSERT_SQL = """
INSERT INTO drift_learnt BY NAME
SELECT $rule AS rule, $definition AS definition, $settled AS settled_at, $first AS first_at, $n AS requests,
    $seen AS seen_at
"""
_COLUMN_TYPES: dict[str, pa.DataType] = {"part": pa.string(), "slice": pa.list_(pa.string()), "bound": pa.float64()}
_COLUMN_TYPES |= dict.fromkeys(("anchored_from", "anchored_to", "accepted_at", "settled_at"), pa.timestamp("us"))
_STREAMS_SCHEMA = pa.schema(_COLUMN_TYPES | dict.fromkeys(("baseline", "state"), pa.list_(pa.float64())))


@dataclass(frozen=True, slots=True)
class AcceptRequest:
    """A wish to take the present as normal, in the slices that have these values."""

    rule: str
    slice: Mapping[str, str | None]
    at: datetime


def load_drift_state(store: DuckStore, rule: str, definition: str) -> tuple[TrackedStreams, HourlyHistory] | None:
    """What was known of a rule, and of which history; None where nothing was, or the rule has changed."""
    asked = {"rule": rule, "definition": definition}
    learnt = store.state(_TRAINED_SQL, asked).to_pylist()
    if not learnt:
        return None
    settled_s, first_s, n, seen_s = learnt[0].values()
    rows = store.state(_STREAMS_SQL, asked).to_pylist()
    return _tracked_streams(settled_s, rows), HourlyHistory(first_s, np.array(n, dtype=np.float64), seen_s)


def _tracked_streams(settled_s: int, rows: Sequence[Mapping[str, Any]]) -> TrackedStreams:
    old = [row for row in rows if row["to_s"]]
    young = {_stream(row): row["from_s"] for row in rows if not row["to_s"]}
    anchors = tuple(BaselineAnchor(row["from_s"], row["to_s"], row["bound"], row["accepted_s"]) for row in old)
    state = DriftState.from_flat(np.array([row["state"] for row in old])) if old else fresh_state(0)
    baseline = _baseline_from_rows([row["baseline"] for row in old]) if old else EMPTY_BASELINE
    return TrackedStreams(settled_s, tuple(map(_stream, old)), anchors, baseline, state, young)


def save_drift_state(
    writing: WriteTransaction, rule: str, definition: str, watched: TrackedStreams, learnt: HourlyHistory
) -> None:
    """Replace what was known of a rule."""
    named = {"rule": rule, "definition": definition}
    writing.execute("DELETE FROM drift_learnt WHERE rule = $rule", {"rule": rule})
    settled = _stored_time(watched.settled_s)
    times = {"settled": settled, "first": _stored_time(learnt.first_s), "seen": _stored_time(learnt.seen_s)}
    writing.execute(_TRAINED_INSERT_SQL, named | times | {"n": learnt.n.tolist()})
    packed, states = _baseline_columns(watched.baseline).tolist(), watched.state.flat().tolist()
    rows = [*map(_stream_row, watched.streams, watched.anchors, packed, states)]
    rows += [_stream_row(stream, BaselineAnchor(first_s), None, None) for stream, first_s in watched.young.items()]
    table = pa.Table.from_pylist([each | {"settled_at": settled} for each in rows], _STREAMS_SCHEMA)
    writing.execute("DELETE FROM drift_streams WHERE rule = $rule", {"rule": rule})
    writing.attach("settled_streams", table)
    writing.execute(
        "INSERT INTO drift_streams BY NAME SELECT $rule AS rule, $definition AS definition, * FROM settled_streams",
        named,
    )
    writing.detach()


def _stream_row(
    stream: Stream, anchor: BaselineAnchor, baseline: list[float] | None, state: list[float] | None
) -> dict[str, Any]:
    """A row of drift_streams, but for `settled_at`."""
    times = (("anchored_from", anchor.from_s), ("anchored_to", anchor.to_s), ("accepted_at", anchor.accepted_s))
    kept = {"bound": anchor.bound, "baseline": baseline, "state": state}
    return {"part": stream.part, "slice": list(stream.slice), **{name: _stored_time(at) for name, at in times}, **kept}


def write_rule_notes(writing: WriteTransaction, notes: Mapping[str, str | None]) -> None:
    """Write beside rules what they leave out."""
    for rule, text in notes.items():
        writing.execute("UPDATE alert_rules SET note = $note WHERE rule = $rule", {"rule": rule, "note": text})


def delete_stale_rules(writing: WriteTransaction, before_s: int) -> None:
    """Drop the rows of rules that nobody has asked for since."""
    for table in ("drift_streams", "drift_learnt"):
        writing.execute(f"DELETE FROM {table} WHERE settled_at < $before", {"before": _stored_time(before_s)})


def load_accept_requests(store: DuckStore) -> list[AcceptRequest]:
    """What was asked for and not granted yet."""
    rows = store.state('SELECT rule, slice, "at" FROM drift_accepts WHERE granted_at IS NULL ORDER BY "at"').to_pylist()
    return [AcceptRequest(row["rule"], json.loads(row["slice"]), row["at"]) for row in rows]


def record_accepted(writing: WriteTransaction, accepts: Sequence[AcceptRequest], now_s: int) -> None:
    """Remember that wishes were granted."""
    for each in accepts:
        writing.execute(
            'UPDATE drift_accepts SET granted_at = $now WHERE rule = $rule AND "at" = $at',
            {"rule": each.rule, "at": each.at, "now": _stored_time(now_s)},
        )


def _stream(row: Mapping[str, Any]) -> Stream:
    return Stream(row["part"], tuple(row["slice"]))


def _stored_time(at_s: int) -> datetime | None:
    """As the store has it; 0 is no time."""
    return utc_from_seconds(at_s) if at_s else None


def _baseline_columns(baseline: Baseline) -> Any:
    """One row of numbers a stream."""
    return np.vstack(baseline.arrays()).T


def _baseline_from_rows(rows: list[list[float]]) -> Baseline:
    """What `_baseline_columns` wrote; older rows do not say how many requests an hour has."""
    width = 2 * HOUR_CELLS + len(fields(Baseline)) - 2
    numbers = np.array([[*row, *[math.nan] * (width - len(row))] for row in rows]).T
    phi, n, k, tolerance = numbers[HOUR_CELLS:-HOUR_CELLS]
    return Baseline(numbers[:HOUR_CELLS], phi, n, k, tolerance, numbers[-HOUR_CELLS:])
