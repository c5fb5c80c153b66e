"""A simulated router: traffic that a team might see, exported as real spans through the OpenTelemetry SDK."""

from controlsurface.demo.run import backfill, live, run
from controlsurface.demo.settings import DEFAULT_RATE, SCENARIOS, DemoSettings
from controlsurface.demo.simulate import simulate

__all__ = ["DEFAULT_RATE", "SCENARIOS", "DemoSettings", "backfill", "live", "run", "simulate"]
