"""The delivery of alerts from a running collector: when it begins and ends."""

from collections.abc import Iterator
from contextlib import contextmanager

from controlsurface.alerting.delivery import Delivery
from controlsurface.collector.engine import Engine


@contextmanager
def delivering(engine: Engine) -> Iterator[Delivery]:
    """Send alerts meanwhile. Raises ConfigError when a notifier's secret is not there."""
    section = engine.config.delivery
    delivery = Delivery(engine.store, engine.reader(), section, engine.clock, lambda: not engine.liveness.problem())
    delivery.start()
    try:
        yield delivery
    finally:
        delivery.stop()
