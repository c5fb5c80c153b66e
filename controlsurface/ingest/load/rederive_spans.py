"""Stored spans are derived anew, the latest first, after the lanes or the vocabularies changed."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b

from controlsurface.config import Config, LaneConfig
from controlsurface.ingest.derive import derive_requests, gather_spans, lane_macros
from controlsurface.ingest.load import lane_inference
from controlsurface.ingest.load.batch import BatchLoader, stored_bodies
from controlsurface.ingest.load.lane_inference import mark_for_reassignment
from controlsurface.ingest.otlp.trace_decoder import decode_traces
from controlsurface.ingest.translate.conventions import Conventions
from controlsurface.store.duckdb import DuckStore, WriteTransaction

_LANE_NAME = "SELECT lower(model_name($model)) AS name"
_UNDONE = "SELECT 1 FROM relaning LIMIT 1"
_NO_SPANS = "SELECT * FROM spans LIMIT 0"
# Spans of one moment stay together: the next step goes on before it.
_LATEST = """
SELECT * FROM mine
WHERE started_at >= (SELECT min(started_at) FROM (SELECT started_at FROM mine ORDER BY started_at DESC LIMIT $most))
"""
# Of the models that wait all at once: each step derives anew whatever it reads.
_CLAIMED = f"""
WITH named AS (
    SELECT name, "until" FROM (SELECT DISTINCT model AS name FROM spans UNION SELECT DISTINCT selected_model FROM spans)
    JOIN relaning ON relaning.model = lower(model_name(name))
),
mine AS (
    SELECT trace_id, started_at FROM spans
    LEFT JOIN named AS called ON called.name = spans.model
    LEFT JOIN named AS selected ON selected.name = spans.selected_model
    WHERE started_at < greatest(called."until", selected."until")
)
{_LATEST}
"""
_CLAIMED_BOUNDS = "SELECT min(started_at) AS low, max(started_at) AS high, count(*) AS n FROM claimed"
_DONE_WITH = 'UPDATE relaning SET "until" = least("until", $low)'
_ALL_DONE = "DELETE FROM relaning"


def lane_model_name(store: DuckStore, model: str) -> str:
    """The name by which lanes know a model: lower case, without provider prefix and date; empty for none."""
    return str(store.state(_LANE_NAME, {"model": model})["name"][0].as_py() or "")


def request_reassignment(writing: WriteTransaction, lanes: dict[str, LaneConfig], models: Iterable[str]) -> None:
    """Put these lanes in force, and remember that stored calls of `models` follow them."""
    writing.define_functions(lane_macros(lanes))
    mark_for_reassignment(writing, models)


def reassignment_pending(store: DuckStore) -> bool:
    """Whether something is still to be derived anew."""
    return bool(store.state(_UNDONE).num_rows)


def reassign_step(loader: BatchLoader, writing: WriteTransaction) -> bool:
    """Derive as many spans anew as fit a transaction; False when nothing was left."""
    if not writing.rows(_UNDONE).num_rows:
        return False
    most = loader.config.writer.max_rows
    writing.materialize("claimed", _CLAIMED, {"most": most})
    bounds = writing.rows(_CLAIMED_BOUNDS).to_pylist()[0]
    if bounds["n"]:
        _derive_traces(loader, writing, "claimed", bounds["low"], bounds["high"])
    if bounds["n"] < most:
        writing.execute(_ALL_DONE)
    else:
        writing.execute(_DONE_WITH, {"low": bounds["low"]})
    return True


def _derive_traces(loader: BatchLoader, writing: WriteTransaction, spans: str, low: datetime, high: datetime) -> None:
    """Derive the traces of these stored spans anew, which began from `low` to `high`."""
    writing.materialize("touched", f"SELECT DISTINCT trace_id FROM {spans}")
    writing.materialize("batch", _NO_SPANS)
    reach = gather_spans(writing, low, high, loader.config.writer.trace_window)
    derive_requests(writing, loader.config, loader.prices, reach, seen_before=True)


SPANS_PER_STEP = 20_000  # spans of one step: about a second, in which no batch is stored

_WAITING = 'SELECT since, "until" FROM rederiving WHERE finished_at IS NULL'
_NEXT = f"""
WITH mine AS (
    SELECT trace_id, started_at FROM spans
    WHERE started_at < $until AND started_at >= greatest($since::TIMESTAMP, frozen_before())
)
{_LATEST}
"""
_BOUNDS = "SELECT min(started_at) AS low, max(started_at) AS high, count(*) AS n FROM next_spans"
_TOUCHED = "SELECT DISTINCT trace_id FROM next_spans"
# Whole traces: what began earlier is read again with its trace, and once more in its own turn.
_BYTES = """
SELECT received_at, around, span FROM spans
WHERE trace_id IN (FROM touched) AND started_at >= greatest($low::TIMESTAMP, frozen_before()) AND started_at <= $high
ORDER BY received_at
"""
_STORED = "spans WHERE trace_id IN (FROM touched) AND started_at BETWEEN $low AND $high"
_DIFFERS = f"""
SELECT trace_id, span_id FROM (
    SELECT trace_id, span_id, {{columns}} FROM batch EXCEPT SELECT trace_id, span_id, {{columns}} FROM {_STORED}
)
"""
_AGAIN = """
SELECT spans.* REPLACE ({replaced})
FROM spans JOIN batch ON batch.trace_id = spans.trace_id AND batch.span_id = spans.span_id
WHERE (spans.trace_id, spans.span_id) IN (SELECT (trace_id, span_id) FROM differs)
    AND spans.started_at BETWEEN $low AND $high
"""
_REMOVE = """
DELETE FROM spans
WHERE started_at BETWEEN $low AND $high AND (trace_id, span_id) IN (SELECT (trace_id, span_id) FROM differs)
"""
_DONE = 'UPDATE rederiving SET "until" = $low, done = done + $n, changed = changed + $changed'
_FINISHED = "UPDATE rederiving SET finished_at = $now, problem = $problem WHERE finished_at IS NULL"
# Columns of a span that no vocabulary decides.
_BASE = frozenset(
    "received_at trace_id span_id parent_span_id name kind start_ns end_ns started_at duration_ms status "
    "status_message service around span content_hash".split()
)


def rederivation_pending(store: DuckStore) -> bool:
    """Whether something is still to be read again."""
    return bool(store.state(_WAITING).num_rows)


def rederive_step(loader: BatchLoader, writing: WriteTransaction) -> bool:
    """Read as many spans again as fit a transaction, and derive their traces; False when nothing is left."""
    if reassign_step(loader, writing):  # models that were met on the way have other lanes now
        return True
    asked = writing.rows(_WAITING).to_pylist()
    if not asked:
        return False
    writing.materialize("next_spans", _NEXT, {**asked[0], "most": min(SPANS_PER_STEP, loader.config.writer.max_rows)})
    bounds = writing.rows(_BOUNDS).to_pylist()[0]
    if not bounds["n"]:
        _finish(loader, writing)
        return False
    changed = _read_again(loader, writing, bounds["low"], bounds["high"])
    writing.execute(_DONE, {"low": bounds["low"], "n": bounds["n"], "changed": changed})
    return True


def abandon_rederivation(store: DuckStore, problem: str) -> None:
    """End it, saying why: the rows that were done stay so."""
    with store.writing() as writing:
        writing.execute(_FINISHED, {"now": datetime.now(UTC), "problem": problem})


def derivation_fingerprint(conventions: Conventions, config: Config) -> str:
    """A hash of what the vocabularies say, of which attributes name the task type, and of who is which architecture."""
    said = [*config.task_types.from_, *(each.model_dump_json() for each in conventions.vocabularies)]
    labels = [f"architecture {name}: {each.where}" for name, each in config.architectures.items()]
    text = "\n".join([*said, *labels])
    return blake2b(text.encode(), digest_size=8).hexdigest()


def store_fingerprint(writing: WriteTransaction, conventions: Conventions, config: Config) -> None:
    """Write down what rows are derived with from now on."""
    writing.execute("DELETE FROM derived_with")
    writing.execute("INSERT INTO derived_with VALUES ($name)", {"name": derivation_fingerprint(conventions, config)})


def _read_again(loader: BatchLoader, writing: WriteTransaction, low: datetime, high: datetime) -> int:
    """Traces with spans in [low, high], all their columns and rows anew; how many spans say something else now."""
    bounds = {"low": low - loader.config.writer.trace_window, "high": high}
    writing.materialize("touched", _TOUCHED)
    rows = writing.rows(_BYTES, bounds).to_pylist()
    loader.translate(writing, decode_traces(stored_bodies(rows), loader.conventions.wanted))
    changed = _replace(writing, bounds)
    _derive_traces(loader, writing, "next_spans", low, high)
    if loader.assumes_lanes:
        lane_inference.infer_batch_lanes(writing, loader.config.lanes, loader.config.limits.of("model"))
    return changed


def _replace(writing: WriteTransaction, bounds: Mapping[str, datetime]) -> int:
    """Put the columns of `batch` in place of the stored ones, where they differ; in how many spans they do."""
    read = [name for name in writing.rows("SELECT * FROM batch LIMIT 0").column_names if name not in _BASE]
    writing.materialize("differs", _DIFFERS.format(columns=", ".join(read)), bounds)
    changed = int(writing.rows("SELECT count(*) AS n FROM differs")["n"][0].as_py())
    if changed:
        replaced = ", ".join(f"batch.{name} AS {name}" for name in read)
        writing.materialize("read_again", _AGAIN.format(replaced=replaced), bounds)
        writing.execute(_REMOVE, bounds)
        writing.execute("INSERT INTO spans BY NAME SELECT * FROM read_again")
    return changed


def _finish(loader: BatchLoader, writing: WriteTransaction) -> None:
    """All is done: attributes that are read by now are no strangers any more."""
    strange = writing.rows("SELECT DISTINCT key FROM attribute_keys").to_pylist()
    known = [key for row in strange if loader.conventions.recognises(key := str(row["key"]))]
    if known:
        writing.execute("DELETE FROM attribute_keys WHERE key IN (SELECT unnest($known))", {"known": known})
    writing.execute(_FINISHED, {"now": datetime.now(UTC), "problem": None})
