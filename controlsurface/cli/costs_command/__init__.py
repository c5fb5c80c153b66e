"""`controlsurface costs`: what a run, a session or a task costs, own hardware, and where the money of prompts went."""

from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from controlsurface.cli.command_options import DURATION, data_option, open_client, parse_filter
from controlsurface.cli.terminal.terminal_rows import OUTPUT_FORMATS, write_answer
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.client.queries.costs.architectures_query import COMPARED_BY, ArchitecturesArgs, ArchitecturesQuery
from controlsurface.client.queries.costs.entropy_query import (
    ENTROPY_DIMENSIONS,
    PATH_STEPS,
    EntropyArgs,
    EntropyQuery,
)
from controlsurface.client.queries.costs.hardware_query import HardwareArgs, HardwareQuery
from controlsurface.client.queries.costs.incidents import ControlCostArgs, ControlCostQuery
from controlsurface.client.queries.costs.storage_query import StorageArgs, StorageQuery
from controlsurface.client.queries.costs.switching_query import SwitchingCostQuery
from controlsurface.client.queries.costs.unit_cost_queries import JobRunsQuery, UnitCostsQuery
from controlsurface.client.query_protocol import Query
from controlsurface.money.switching_costs import SwitchingArgs
from controlsurface.money.unit_costs import RunArgs, UnitCostArgs

_UNITS = ("run", "session", "task")

since_option = click.option(
    "--since", type=DURATION, default="7d", show_default=True, help="Calls that began so long ago or later."
)
format_option = click.option("--format", "form", type=click.Choice(OUTPUT_FORMATS), default="table", show_default=True)
where_option = click.option("--where", multiple=True, metavar="K=V", help="Keep rows of this value; K=: unknown.")
gap_option = click.option(
    "--gap",
    type=DURATION,
    help="Calls of a job after a longer pause are its next run, where none is named.  [default: costs.run_gap]",
)


@click.group("costs")
def command() -> None:
    """What one of something costs: runs of jobs, sessions, completed tasks; and own hardware, idle time included."""


@command.command("runs")
@since_option
@gap_option
@where_option
@data_option
@format_option
def runs(since: timedelta, gap: timedelta | None, where: tuple[str, ...], data: Path, form: str) -> None:
    """Each run of each job and what it cost, the latest first."""
    args = RunArgs.model_validate(_range(since, where) | {"gap": gap})
    _answer(data, JobRunsQuery(args), form, "no call of the period belongs to a job")


@command.command("per")
@click.argument("unit", type=click.Choice(_UNITS))
@since_option
@gap_option
@click.option("--evaluation", default="", help="Whose pass completes a task.  [default: costs.success_evaluation]")
@where_option
@data_option
@format_option
def per(
    unit: str,
    since: timedelta,
    gap: timedelta | None,
    evaluation: str,
    where: tuple[str, ...],
    data: Path,
    form: str,
) -> None:
    """Cost per run by job, per session, or per completed task by task type."""
    given = {"per": unit, "gap": gap, "evaluation": evaluation}
    asked = UnitCostsQuery(UnitCostArgs.model_validate(_range(since, where) | given))
    _answer(data, asked, form, f"no {unit} in the period")


@command.command("hardware")
@since_option
@click.option("--every", type=DURATION, help="One row for each step of time, e.g. 1h.")
@data_option
@format_option
def hardware(since: timedelta, every: timedelta | None, data: Path, form: str) -> None:
    """Own hardware by lane, and what its idle time (lane -) cost: the rows add up to what was paid."""
    asked = HardwareQuery(HardwareArgs.model_validate({"start": f"-{since.total_seconds():.0f}s", "every": every}))
    shown = (
        *(("bucket",) if every else ()),
        *"hardware lane calls untimed hours utilisation currency amount amount_with_idle per_mtok_with_idle".split(),
    )
    _answer(data, asked, form, "the price file has no [[hardware]]", shown)


@command.command("switching")
@click.option("--by", default="", help="A dimension, such as task_type or router_version.  [default: models alone]")
@click.option(
    "--within", type=DURATION, default="5m", show_default=True, help="How long a provider keeps a prompt in its cache."
)
@since_option
@where_option
@data_option
@format_option
def switching(by: str, within: timedelta, since: timedelta, where: tuple[str, ...], data: Path, form: str) -> None:
    """What changes of the model within sessions cost: the new model's prompt cache was cold."""
    asked = SwitchingCostQuery(SwitchingArgs.model_validate(_range(since, where) | {"by": by, "within": within}))
    shown = (*(("name",) if by else ()), *"from_model to_model switches known cold_tokens cost_usd most_usd".split())
    _answer(data, asked, form, "no session changed its model", (*shown, "warm_share", "stays"))


@command.command("control")
@click.option("--by", default="", help="A dimension, such as lane, task_type or router_version.  [default: all]")
@since_option
@data_option
@format_option
def control(by: str, since: timedelta, data: Path, form: str) -> None:
    """What control costs: calls, and the time of engineers on incidents (`controlsurface incident`)."""
    asked = ControlCostQuery(ControlCostArgs.model_validate({"start": f"-{since.total_seconds():.0f}s", "by": by}))
    with closing(open_client(data)) as reader:
        answer = reader.run(asked)
    write_answer(asked, answer, form)
    if answer.facts["running"]:
        print_note(f"controlsurface: costs: {answer.facts['running']} timers still run and are not counted")
    if any((row["rated_share"] or 0) < 1 and row["engineer_minutes"] for row in answer.rows.to_pylist()):
        print_note("controlsurface: costs: minutes without an hourly rate; set control.hourly_usd")


@command.command("architectures")
@click.option(
    "--by", type=click.Choice(COMPARED_BY), default="architecture", show_default=True, help="What is compared."
)
@since_option
@data_option
@format_option
def architectures(by: str, since: timedelta, data: Path, form: str) -> None:
    """Architectures side by side, and the monthly volume at which two of them cost the same."""
    asked = ArchitecturesQuery(ArchitecturesArgs.model_validate({"start": f"-{since.total_seconds():.0f}s", "by": by}))
    with closing(open_client(data)) as reader:
        answer = reader.run(asked)
    shown = (
        "name n steps_per_request usd_per_request usd_low usd_high priced_share latency_p50 latency_p95 latency_spread "
        "error_rate failed_step engineer_minutes fixed_usd_per_month usd_per_1000_requests"
    )
    write_answer(asked, answer, form, shown.split())
    for each in answer.facts["crossings"]:
        print_note(f"controlsurface: costs: {each['text']}")
    if not any(row["name"] is not None for row in answer.rows.to_pylist()):
        print_note(f"controlsurface: costs: no request of the period has a known {by}")


@command.command("entropy")
@click.option("--by", type=click.Choice(ENTROPY_DIMENSIONS), default="task_type", show_default=True, help="A row each.")
@click.option("--step", type=click.Choice(PATH_STEPS), default="lane", show_default=True, help="What names a call.")
@since_option
@data_option
@format_option
def entropy(by: str, step: str, since: timedelta, data: Path, form: str) -> None:
    """Operational entropy: how many ways requests take, how evenly, and incidents per million requests."""
    given = {"start": f"-{since.total_seconds():.0f}s", "by": by, "step": step}
    _answer(data, EntropyQuery(EntropyArgs.model_validate(given)), form, "no request in the period")


@command.command("storage")
@click.option("--by", default="", help="A dimension, such as task_type, lane or architecture.  [default: all]")
@since_option
@data_option
@format_option
def storage(by: str, since: timedelta, data: Path, form: str) -> None:
    """What requests take in the store, and what that costs for as long as it is kept."""
    asked = StorageQuery(StorageArgs.model_validate({"start": f"-{since.total_seconds():.0f}s", "by": by}))
    with closing(open_client(data)) as reader:
        answer = reader.run(asked)
    write_answer(asked, answer, form)
    if answer.facts["usd_per_gb_month"] is None:
        print_note("controlsurface: costs: storage has no price; set control.storage_usd_per_gb_month")
    if any(row["stored_bytes"] is None for row in answer.rows.to_pylist()):
        print_note("controlsurface: costs: nothing is written out yet, so stored bytes are not known")


def _range(since: timedelta, where: tuple[str, ...]) -> dict[str, Any]:
    return {"start": f"-{since.total_seconds():.0f}s", "end": "now", "where": tuple(map(parse_filter, where))}


def _answer(data: Path, asked: Query[Any], form: str, nothing: str, shown: Sequence[str] = ()) -> None:
    with closing(open_client(data)) as reader:
        answer = reader.run(asked)
    write_answer(asked, answer, form, shown)
    if not answer.rows.num_rows:
        print_note(f"controlsurface: costs: {nothing}")
