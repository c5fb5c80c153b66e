"""A store that holds simulated traffic as the receivers would have left it: real spans, derived and priced."""

import threading
from collections.abc import Sequence
from datetime import datetime

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from controlsurface.config import Config
from controlsurface.demo.demo_company import DemoSettings
from controlsurface.demo.router_simulation import simulate_requests
from controlsurface.demo.span_exporter import DemoSpanExporter
from controlsurface.ingest.load.batch import BatchLoader
from controlsurface.ingest.translate import conventions
from controlsurface.money.price_book import PriceBook
from controlsurface.money.price_edition import PriceEdition
from controlsurface.money.price_resolver import PriceResolver
from controlsurface.store.duckdb import DuckStore

BODIES = 20  # of one transaction


class Bodies(SpanExporter):
    """Keeps what it is given, as bodies."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.bodies.append(encode_spans(spans).SerializeToString())
        return SpanExportResult.SUCCESS


def stored(
    settings: DemoSettings,
    start: datetime,
    end: datetime,
    book: PriceBook | None = None,
    into: DuckStore | None = None,
) -> DuckStore:
    """A store in memory with the traffic from `start` to `end`; `into`: one that has other traffic already."""
    kept, store = Bodies(), into or DuckStore.in_memory()
    with DemoSpanExporter(kept, threading.Event()) as outlet:
        for request in simulate_requests(settings, start, end):
            outlet.add(request)
    loader = BatchLoader(
        conventions.load_conventions(Config()), Config(), PriceResolver(PriceEdition(book or PriceBook()), 10_000)
    )
    with store.writing() as writing:
        loader.install(writing)
    received_ns = int(end.timestamp() * 1e9)
    for first in range(0, len(kept.bodies), BODIES):
        batch = loader.decode([(body, received_ns) for body in kept.bodies[first : first + BODIES]], [])
        with store.writing() as writing:
            loader.load(writing, batch)
    return store
