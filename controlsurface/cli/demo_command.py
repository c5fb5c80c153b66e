"""`controlsurface demo`: traffic of a simulated router, through the real OpenTelemetry SDK."""

import os
import signal
import threading
from datetime import timedelta

import click

from controlsurface.cli.command_options import DURATION
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.collector.unix_signals import UnixSignals
from controlsurface.demo.demo_company import SCENARIOS
from controlsurface.demo.traffic_sender import run_demo
from controlsurface.serve.demo_history import demo_loading


@click.command()
@click.option("--endpoint", default="http://127.0.0.1:4318", show_default=True, help="OTLP over HTTP.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Requests a second.  [default: one a minute]")
@click.option("--duration", type=DURATION, help="How long to go on, e.g. 10m; 0s: history only.  [default: for ever]")
@click.option("--scenario", type=click.Choice(list(SCENARIOS)), default="steady", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Equal seeds simulate equal traffic.")
@click.option("--backfill", type=DURATION, help="First send so much history, e.g. 28d.")
@click.option(
    "--event-ago",
    type=DURATION,
    help="How long ago what the scenario is about began.  [default: within the history, else in two minutes]",
)
@click.option(
    "--dense", type=DURATION, help="Before so much of the history, a fifteenth of the traffic.  [default: all of it]"
)
def command(
    endpoint: str,
    rate: float | None,
    duration: timedelta | None,
    scenario: str,
    seed: int,
    backfill: timedelta | None,
    event_ago: timedelta | None,
    dense: timedelta | None,
) -> None:
    """A simulated router: requests, escalations, failures and prices as one would see them.

    The environment variable CONTROLSURFACE_TOKEN holds the token of a server that asks for one.
    """
    stop = threading.Event()
    told = UnixSignals(signal.SIGTERM, signal.SIGINT)
    threading.Thread(target=_forward_first_signal, args=(told, stop), daemon=True).start()
    token = os.environ.get("CONTROLSURFACE_TOKEN", "")
    with demo_loading(stop) as report:
        spans = run_demo(endpoint, rate, duration, scenario, seed, backfill, event_ago, token, stop, dense, report)
    print_note(f"controlsurface: demo: {spans} spans sent")


def _forward_first_signal(told: UnixSignals, stop: threading.Event) -> None:
    """Pass the first signal on."""
    told.next()
    stop.set()
