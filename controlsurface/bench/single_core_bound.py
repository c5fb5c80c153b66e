"""The bound: what one core does when it only decodes bodies and inserts their columns, one after the other."""

import itertools
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa

from controlsurface.bench.otlp_bodies import BodyTemplate
from controlsurface.config import Config
from controlsurface.ingest.otlp.trace_decoder import decode_traces
from controlsurface.ingest.translate import conventions
from controlsurface.store.duckdb import DuckStore

_SPANS_PER_TRANSACTION = 12_288  # spans in one transaction


def single_core_bound(template: BodyTemplate, seconds: float) -> float:
    """Spans a second of processor time, over about `seconds`."""
    wanted = conventions.load_conventions(Config()).wanted
    spent, spans = 0.0, 0
    with (
        tempfile.TemporaryDirectory(prefix="controlsurface-bench-") as folder,
        closing(DuckStore.open(Path(folder))) as store,
    ):
        for bodies in _rounds(template, time.monotonic() + seconds):
            began = time.process_time()
            _insert(store, decode_traces(bodies, wanted).table, first=not spans)
            spent += time.process_time() - began
            spans += len(bodies) * template.spans
    return spans / spent


def _rounds(template: BodyTemplate, end: float) -> Iterator[list[tuple[bytes, int]]]:
    """Fresh bodies for one transaction after the other, at least once."""
    size = max(1, _SPANS_PER_TRANSACTION // template.spans)
    for start in itertools.count(0, size):
        yield [(template.body(number), time.time_ns()) for number in range(start, start + size)]
        if time.monotonic() >= end:
            return


def _insert(store: DuckStore, table: pa.Table, *, first: bool) -> None:
    with store.writing() as writing:
        writing.attach("decoded", table)
        if first:
            writing.execute("CREATE TABLE bound AS SELECT * FROM decoded")
        else:
            writing.execute("INSERT INTO bound BY NAME SELECT * FROM decoded")
