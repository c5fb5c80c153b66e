"""The weekly exports of a running collector."""

from collections.abc import Iterator
from contextlib import contextmanager

from controlsurface.collector.ingest_engine import IngestEngine
from controlsurface.export.scheduled_exports import ScheduledExports


@contextmanager
def export_service(engine: IngestEngine) -> Iterator[ScheduledExports]:
    """Write the cost of closed weeks meanwhile. Raises ConfigError for dimensions that calls do not have."""
    exports = ScheduledExports(engine.reader(), engine.config.exports, engine.clock, engine.clock.problem)
    exports.start()
    try:
        yield exports
    finally:
        exports.stop()
