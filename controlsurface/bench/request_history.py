"""Ninety days of requests in a store: made inside DuckDB, the same ones every time, and rolled up as a server does."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from controlsurface.collector.ingest_engine import store_comparators
from controlsurface.config import Config
from controlsurface.maintenance import rollup_worker
from controlsurface.store.duckdb import STORE_FILE, DuckStore, WriteTransaction

HISTORY_DAYS = 90
SLICE_REQUESTS = 250_000  # requests made at once

_DAY = Path(__file__).with_name("traffic.sql").read_text("utf-8").split(";\n")
_COPY = Path(__file__).with_name("traffic_copy.sql").read_text("utf-8").split(";\n")
_SPANS = Path(__file__).with_name("traffic_spans.sql").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class GeneratedHistory:
    """What was made: [start, end), its size, and how long the roll-ups took."""

    start: datetime
    end: datetime
    bytes_per_request: float
    rollup_s_per_million: float
    spans: int


def generate_history(
    data: Path, requests: int, end: datetime, tell: Callable[[str], None], days: int = HISTORY_DAYS
) -> GeneratedHistory:
    """Fill a new store in `data` with about `requests` requests in the `days` before `end`, one copied to the others.

    Spans are kept for the last day only: a trace is looked for by a link, and a link says when.
    """
    start = end - timedelta(days=days)
    store = DuckStore.open(data)
    store_comparators(store, Config())  # a server that found others would roll up everything again
    rollup_worker.install_rollups(store)
    per_day = max(1, requests // days)
    for first in range(0, per_day, SLICE_REQUESTS):
        part = {"first": first, "last": min(per_day, first + SLICE_REQUESTS), "n": per_day, "start": start}
        with store.writing() as writing:
            _run(writing, _DAY, part)
    for day in range(1, days):
        if day % 10 == 0:
            tell(f"day {day} of {days}")
        with store.writing() as writing:
            _run(writing, _COPY, {"day": day, "start": start})
        if per_day * day % 2_000_000 < per_day:
            store.checkpoint()
    tell("rolling up")
    began = time.perf_counter()
    rollup_worker.rebuild_rollups(store)
    rolled_s = time.perf_counter() - began
    store.checkpoint()
    size = (data / STORE_FILE).stat().st_size
    spans = _spans(store, end - timedelta(days=1))
    store.checkpoint()
    store.close()
    return GeneratedHistory(start, end, size / (per_day * days), rolled_s / (per_day * days) * 1e6, spans)


def _run(writing: WriteTransaction, statements: list[str], values: dict[str, object]) -> None:
    """Statements, each with the parameters that it names."""
    for sql in statements:
        if sql.strip():
            writing.execute(sql, {name: value for name, value in values.items() if f"${name}" in sql})


def _spans(store: DuckStore, since: datetime) -> int:
    """The spans of the requests since a moment; how many."""
    span = Span(name="chat", attributes=[_text(f"gen_ai.key_{i}", "some value of usual length") for i in range(12)])
    blobs = {"around": ResourceSpans(scope_spans=[ScopeSpans()]).SerializeToString(), "span": span.SerializeToString()}
    with store.writing() as writing:
        writing.execute(_SPANS, {"since": since, **blobs})
        return int(writing.rows("SELECT count(*) AS n FROM spans")["n"][0].as_py())


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))
