"""`controlsurface bench`: measure this machine with the product's own work."""

from collections.abc import Mapping

import click

from controlsurface.bench import coverage_bench, ingest_costs
from controlsurface.bench import drift_bench as alerting
from controlsurface.bench import evaluation_bench as evaluations
from controlsurface.bench import ingest_bench as benchmark
from controlsurface.bench import query_bench as questions
from controlsurface.cli.command_options import json_option
from controlsurface.cli.terminal.terminal_rows import write_result
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.store.named_query import PURPOSES


@click.group()
def command() -> None:
    """Measure this machine."""


@command.command()
@click.option("--seconds", type=click.FloatRange(2, 3600), default=20, show_default=True, help="Time to spend.")
@click.option("--connections", type=click.IntRange(1, 256), default=8, show_default=True, help="Senders at once.")
@click.option("--body", type=click.IntRange(4, 100_000), default=512, show_default=True, help="Spans a body.")
@click.option(
    "--prompts/--no-prompts", default=True, show_default=True, help="Bodies with prompts, 2.3 kB a span; else 0.8."
)
@click.option(
    "--sessions",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="Also beside that many sessions of a dashboard; over days they refresh every minute: give it 60 s or more.",
)
@json_option
def ingest(seconds: float, connections: int, body: int, prompts: bool, sessions: int, as_json: bool) -> None:
    """Spans a second that are answered and stored, by a real collector on a temporary directory."""
    settings = benchmark.IngestBenchSettings(seconds, connections, body, prompts, sessions)
    _write(benchmark.run_ingest_bench(settings, _say).rounded(), as_json=as_json)


@command.command()
@click.option("--seed", type=click.IntRange(0), default=alerting.SEED, show_default=True, help="Of the simulation.")
@click.option("--ticks", is_flag=True, help="How long an evaluation of 300 rules takes instead, quiet and loaded.")
@json_option
def alerts(seed: int, ticks: bool, as_json: bool) -> None:
    """False alarms and delays of the drift detector, beside other ways to alert, on simulated traffic."""
    if ticks:
        _write(evaluations.run_evaluation_bench(_say).rounded(), as_json=as_json)
        return
    result = alerting.run_drift_bench(_say, seed)
    write_result(result.rounded(), result.table(), as_json)


@command.command()
@click.option(
    "--requests", type=click.IntRange(10_000), default=1_000_000, show_default=True, help="In the store, over 90 days."
)
@click.option("--explain", type=click.Choice(list(PURPOSES)), default=None, help="Also the plan of that data query.")
@json_option
def query(requests: int, explain: str | None, as_json: bool) -> None:
    """How soon the pages' panels, a trace, contributors and a week's bill are answered, over HTTP."""
    result = questions.run_query_bench(requests, _say, explain=explain or "").rounded()
    write_result(result, [{"figure": name, "value": str(value)} for name, value in result.items()], as_json)


@command.command("statistics")
@click.option(
    "--runs",
    type=click.IntRange(20, 100_000),
    default=coverage_bench.RUNS,
    show_default=True,
    help="Of each simulation: 2,000 take three to five minutes.",
)
@click.option("--quick", is_flag=True, help=f"{coverage_bench.QUICK_RUNS} runs: coverage to 2 of 100.")
@click.option(
    "--seed", type=click.IntRange(0), default=coverage_bench.SEED, show_default=True, help="Of the simulation."
)
@json_option
def intervals(runs: int, quick: bool, seed: int, as_json: bool) -> None:
    """How often 95 % intervals hold the truth, equal lanes are called worse, and how far ECE is off."""
    result = coverage_bench.run_coverage_bench(_say, coverage_bench.QUICK_RUNS if quick else runs, seed)
    write_result(result.rounded(), result.table(), as_json)
    if not as_json:
        _write(result.figures(), as_json=False)


@command.command()
@click.option("--megabytes", type=click.FloatRange(0.1, 100), default=4.0, show_default=True, help="Of prompts.")
@json_option
def redaction(megabytes: float, as_json: bool) -> None:
    """How many seconds blacking out personal data takes, in all and by kind."""
    _write(ingest_costs.run_redaction_bench(megabytes), as_json=as_json)


def _write(result: Mapping[str, float], *, as_json: bool) -> None:
    """Figures, one a line."""
    write_result(result, [{"figure": name, "value": float(value)} for name, value in result.items()], as_json)


def _say(text: str) -> None:
    """Progress, for whoever looks on."""
    print_note(f"controlsurface: bench: {text}")
