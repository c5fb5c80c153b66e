"""One batch of journal records into the store, inside one transaction, and counted by the minute in which it came."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow as pa

from controlsurface.config import Config
from controlsurface.ingest.cardinality.value_limits import LONGEST_VALUE_SQL, truncate_values
from controlsurface.ingest.derive import derive_requests, gather_spans, lane_macros
from controlsurface.ingest.load import lane_inference
from controlsurface.ingest.otlp import span_events
from controlsurface.ingest.otlp.span_events import spans_with_events
from controlsurface.ingest.otlp.trace_decoder import DecodedSpans, decode_traces
from controlsurface.ingest.translate import conventions
from controlsurface.ingest.translate.conventions import Conventions
from controlsurface.money.price_resolver import PriceResolver
from controlsurface.store.duckdb import WriteTransaction
from controlsurface.store.span_json import SPAN_COLUMNS, spans_message

_ARRIVAL_COUNTS = "spans unrecognised late lag_ms aged age_ms duplicate expired rejected refused".split()
_NOW = "CAST(now() AS TIMESTAMP)"
# Whose clock runs ahead of ours has sent it just now. A service over the limit of its day has no line of its own.
_BATCH_ARRIVALS = f"""
SELECT
    date_trunc('minute', received_at) AS started_at,
    if(service IS NULL OR seat.value IS NOT NULL, service, '(other)') AS service,
    count(*) AS spans,
    count(*) FILTER (WHERE vocabularies IS NULL) AS unrecognised,
    count(*) FILTER (WHERE trace_id IN (SELECT trace_id FROM older)) AS late,
    sum(greatest(epoch_ms({_NOW}) - epoch_ms(received_at), 0)) AS lag_ms,
    count(duration_ms) AS aged,
    coalesce(sum(greatest(epoch_ms({_NOW}) - epoch_ms(started_at) - duration_ms, 0)), 0) AS age_ms,
    0 AS duplicate, 0 AS expired, 0 AS rejected, 0 AS refused
FROM batch
LEFT JOIN dimension_values AS seat
    ON seat.dimension = 'service' AND seat.day = CAST(batch.started_at AS DATE) AND seat.value = batch.service
GROUP BY ALL
"""
_UNSTORED_ARRIVALS = f"""
SELECT
    date_trunc('minute', {_NOW}) AS started_at, CAST(NULL AS VARCHAR) AS service,
    0 AS spans, 0 AS unrecognised, 0 AS late, 0 AS lag_ms, 0 AS aged, 0 AS age_ms,
    CAST($duplicate AS BIGINT) AS duplicate, CAST($expired AS BIGINT) AS expired,
    CAST($rejected AS BIGINT) AS rejected, CAST($refused AS BIGINT) AS refused
"""
_ADD_ARRIVALS = f"""
MERGE INTO arrivals AS known USING ({{come}}) AS come
ON known.started_at = come.started_at AND known.service IS NOT DISTINCT FROM come.service
WHEN MATCHED THEN UPDATE SET {", ".join(f"{name} = known.{name} + come.{name}" for name in _ARRIVAL_COUNTS)}
WHEN NOT MATCHED THEN INSERT BY NAME
"""


def count_unstored(writing: WriteTransaction, duplicate: int, expired: int, rejected: int, refused: int) -> None:
    """Add what did not become rows. Nobody looked whose it was."""
    counts = {"duplicate": duplicate, "expired": expired, "rejected": rejected, "refused": refused}
    if any(counts.values()):
        writing.execute(_ADD_ARRIVALS.format(come=_UNSTORED_ARRIVALS), counts)


TimedBodies = Sequence[tuple[bytes, int]]

EPOCH = datetime.fromtimestamp(0, UTC)
MAX_TIME = EPOCH + timedelta(days=365 * 300)

_BATCH = (Path(__file__).with_name("batch.sql")).read_text("utf-8")
_COUNT = "SELECT count(*) AS n FROM batch"
_SIZE = f"SELECT count(*) AS n, {LONGEST_VALUE_SQL} AS longest FROM batch"
_STORED = """
SELECT spans.content_hash = batch.content_hash AS same, spans.trace_id, spans.span_id, spans.started_at,
    spans.received_at, {columns}
FROM spans JOIN batch ON spans.trace_id = batch.trace_id AND spans.span_id = batch.span_id
WHERE spans.started_at BETWEEN $low AND $high
"""
_BOUNDS = """
SELECT
    coalesce(min(started_at), TIMESTAMP '2000-01-01') AS low,
    coalesce(max(started_at), TIMESTAMP '2000-01-01') AS high,
    count(*) FILTER (WHERE NOT possible(start_ns)) AS timeless,
    count(*) FILTER (WHERE vocabularies IS NULL) AS unrecognised
FROM batch
"""
# How many spans of the touched traces were stored before, and how many of the batch's came after such.
_OLDER_AND_LATE = """
SELECT count(*) AS older, (SELECT count(*) FROM batch WHERE trace_id IN (SELECT trace_id FROM older)) AS late FROM older
"""
_EVALUATIONS = """
INSERT INTO evaluations
SELECT evaluation_id, CAST(trace_id AS UUID), span_id, response_id,
    make_timestamp(CAST(least(at_ns, 7258118400000000000::UBIGINT) // 1000 AS BIGINT)),
    cut_value(name, $most), to_number(score), cut_value(label, $most), explanation, cut_value(error_type, $most)
FROM judged
WHERE evaluation_id NOT IN (SELECT evaluation_id FROM evaluations)
"""

_KEY_TYPES: dict[str, pa.DataType] = {"trace_id": pa.string(), "span_id": pa.uint64(), "same": pa.bool_()}
_KEY = pa.schema(_KEY_TYPES)


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of a batch, in spans, and `truncate_values`: values that were too long.

    `moved`: models have other lanes now, and stored calls are to follow.
    """

    inserted: int = 0
    duplicate: int = 0
    late: int = 0
    unrecognised: int = 0
    expired: int = 0
    cut: int = 0
    moved: bool = False

    def counts(self) -> dict[str, int]:
        """By the names of the counters."""
        return {name: getattr(self, name) for name in ("duplicate", "late", "unrecognised", "expired", "cut")}


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """Decoded bodies, ready to be stored."""

    traces: TimedBodies
    decoded: DecodedSpans
    judged: pa.Table


@dataclass(frozen=True)
class BatchLoader:
    """Decode, translate, deduplicate, store, derive."""

    conventions: Conventions
    config: Config
    prices: PriceResolver
    lanes_written: Event = field(default_factory=Event)  # set once somebody wrote lanes into the configuration

    @property
    def assumes_lanes(self) -> bool:
        """Whether models are placed by their list prices."""
        return self.config.lanes_assumed and not self.lanes_written.is_set()

    def install(self, writing: WriteTransaction) -> None:
        """Put prices, and the configuration's lanes or those assumed, where the derivation reads them."""
        self.prices.install(writing)
        if self.assumes_lanes:
            lane_inference.begin_lane_inference(writing, self.config.lanes, self.prices)
        else:
            lane_inference.end_lane_inference(writing)
            writing.define_functions(lane_macros(self.config.lanes))

    def decode(self, traces: TimedBodies, logs: TimedBodies) -> DecodedBatch:
        """The bodies as columns, without touching the store. Raises DecodeError."""
        judged = span_events.evaluation_table(
            [*span_events.evaluations_from_logs(logs), *span_events.evaluations_from_spans(traces)]
        )
        spans = [*traces, *spans_with_events(logs, self.conventions.wanted)]
        return DecodedBatch(spans, decode_traces(spans, self.conventions.wanted), judged)

    def load(self, writing: WriteTransaction, batch: DecodedBatch) -> BatchOutcome:
        """Store a batch. Everything or nothing: an error leaves the transaction to be rolled back."""
        outcome, low, high = self._spans(writing, batch)
        _judge(writing, batch.judged, self.config.limits.value_length)
        reach = gather_spans(writing, low, high, self.config.writer.trace_window)
        writing.execute("INSERT INTO spans BY NAME SELECT * FROM batch")
        stored = writing.rows(_OLDER_AND_LATE).to_pylist()[0]
        met_before = bool(stored["older"] or outcome.duplicate or batch.judged.num_rows)
        derive_requests(writing, self.config, self.prices, reach, met_before)
        moved = self.assumes_lanes and lane_inference.infer_batch_lanes(
            writing, self.config.lanes, self.config.limits.of("model")
        )
        writing.execute(_ADD_ARRIVALS.format(come=_BATCH_ARRIVALS))
        conventions.add_key_counts(writing, "attribute_keys", self.conventions.unknown(batch.decoded.unread))
        return replace(outcome, late=int(stored["late"]), moved=moved)

    def _spans(self, writing: WriteTransaction, batch: DecodedBatch) -> tuple[BatchOutcome, datetime, datetime]:
        """Leave in `batch` what is new or says more than the store; what is known leaves it."""
        expired, shortened = self.translate(writing, batch.decoded)
        bounds = writing.rows(_BOUNDS).to_pylist()[0]
        stored = self._stored(writing, bounds)
        richer = [row for row in stored if not row["same"]]
        if richer:
            self.translate(writing, decode_traces([*batch.traces, *stored_bodies(richer)], self.conventions.wanted))
            stored = self._stored(writing, bounds)
        _forget(writing, stored)
        inserted = int(writing.rows(_COUNT)["n"][0].as_py()) - len(richer)
        repeats = batch.decoded.repeats + len(stored)
        copied = [row["started_at"] for row in stored]  # a copy may know another time
        moments = [bounds["low"], bounds["high"], *copied]
        unknown = int(bounds["unrecognised"])
        outcome = BatchOutcome(inserted, repeats, unrecognised=unknown, expired=expired, cut=shortened)
        return outcome, min(moments), max(moments)

    def translate(self, writing: WriteTransaction, decoded: DecodedSpans) -> tuple[int, int]:
        """Decoded columns as rows of spans, in `batch`; how many are too old and left out, how many values were cut."""
        writing.attach("decoded", decoded.table)
        columns = self.conventions.select(self.conventions.occurring(decoded.table, decoded.keys))
        writing.materialize("batch", _BATCH.replace("$columns", columns))
        size, most = writing.rows(_SIZE).to_pylist()[0], self.config.limits.value_length
        shortened = truncate_values(writing, most) if size["longest"] > most else 0
        writing.materialize("touched", "SELECT DISTINCT trace_id FROM batch")
        return decoded.table.num_rows - int(size["n"]), shortened

    def _stored(self, writing: WriteTransaction, bounds: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Copies of the batch's spans that the store has already."""
        window = self.config.writer.trace_window
        limits = {"low": bounds["low"] - window, "high": bounds["high"] + window}
        if bounds["timeless"]:  # such a span may be anywhere
            limits = {"low": EPOCH, "high": MAX_TIME}
        columns = ", ".join(f"spans.{column}" for column in SPAN_COLUMNS)
        return writing.rows(_STORED.format(columns=columns), limits).to_pylist()


def _forget(writing: WriteTransaction, stored: list[dict[str, Any]]) -> None:
    """Known copies leave the batch; poorer ones leave the store."""
    if not stored:
        return
    keys = [{"trace_id": str(row["trace_id"]), "span_id": row["span_id"], "same": row["same"]} for row in stored]
    writing.attach("stored", pa.Table.from_pylist(keys, _KEY))
    for table, same in (("batch", "same"), ("spans", "NOT same")):
        known = f"SELECT (CAST(trace_id AS UUID), span_id) FROM stored WHERE {same}"
        writing.execute(f"DELETE FROM {table} WHERE (trace_id, span_id) IN ({known})")


def _judge(writing: WriteTransaction, judged: pa.Table, most: int) -> None:
    """Insert new evaluations, their words cut to `most` characters; their traces are derived again."""
    if not judged.num_rows:
        return
    writing.attach("judged", judged)
    writing.execute(_EVALUATIONS, {"most": most})
    writing.execute(
        "INSERT INTO touched SELECT DISTINCT CAST(trace_id AS UUID) FROM judged "
        "WHERE trace_id IS NOT NULL AND CAST(trace_id AS UUID) NOT IN (SELECT trace_id FROM touched)"
    )


def stored_bodies(rows: Iterable[Mapping[str, Any]]) -> TimedBodies:
    """Stored spans as bodies, those of one time of receipt together, each with that in Unix nanoseconds."""
    return [
        (spans_message(some).SerializeToString(), (received - EPOCH) // timedelta(microseconds=1) * 1000)
        for received, some in groupby(rows, key=lambda row: row["received_at"])
    ]
