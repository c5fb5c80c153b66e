"""A simulated router: traffic that a team might see, exported as real spans through the OpenTelemetry SDK."""

from controlsurface.demo.demo_company import DEFAULT_RATE, SCENARIOS, DemoSettings
from controlsurface.demo.router_simulation import simulate_requests
from controlsurface.demo.traffic_sender import run_demo, send_backfill, send_live

__all__ = ["DEFAULT_RATE", "SCENARIOS", "DemoSettings", "run_demo", "send_backfill", "send_live", "simulate_requests"]
