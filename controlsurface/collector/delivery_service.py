"""The delivery of alerts from a running collector: when it begins and ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from controlsurface.alerting.delivery.dispatcher import DeliveryService
from controlsurface.collector.ingest_engine import IngestEngine


@contextmanager
def delivery_service(engine: IngestEngine) -> Iterator[DeliveryService]:
    """Send alerts meanwhile. Raises ConfigError when a notifier's secret is not there."""
    section = engine.config.delivery
    delivery = DeliveryService(
        engine.store, engine.reader(), section, engine.clock, lambda: not engine.liveness.problem()
    )
    delivery.start()
    try:
        yield delivery
    finally:
        delivery.stop()
