"""`controlsurface audit plan`: which share of which requests is shadowed."""

from contextlib import closing
from pathlib import Path

import click
import pyarrow as pa

from controlsurface.audit.audit_queries import SamplingPlanQuery
from controlsurface.audit.sampling_plan import CreatePlanCommand, SamplingPlanArgs
from controlsurface.cli import terminal_output
from controlsurface.cli.command_options import data_option, json_option, open_client


@click.command("plan")
@data_option
@click.option(
    "--rate", type=click.FloatRange(0, 1, min_open=True), default=0.05, show_default=True, help="Share of all."
)
@click.option(
    "--floor", type=click.FloatRange(0, 1), default=0.1, show_default=True, help="Part of it drawn from all alike."
)
@click.option("--since", metavar="DURATION", help="Traffic to plan for.  [default: 7d before the newest request]")
@click.option("--show", is_flag=True, help="Show the plan in force instead of making one.")
@json_option
@click.pass_context
def command(
    context: click.Context, data: Path, rate: float, floor: float, since: str | None, show: bool, as_json: bool
) -> None:
    """Make a sampling plan from the traffic: a floor for all, the rest by the root of each stratum's volume.

    It is in force at once: `GET /api/v1/sampling/{request_id}` goes by it, and clients that decide by themselves take
    its JSON (`--show --json`).
    """
    with closing(open_client(data, context)) as reader:
        if show:
            answer = reader.run(SamplingPlanQuery())
            plan = {**answer.facts, "strata": answer.rows.to_pylist()}
        else:
            given = {"rate": rate, "floor": floor, "start": f"-{since}" if since else None}
            plan = dict(reader.execute(CreatePlanCommand(SamplingPlanArgs.model_validate(given), "cli")))
    if as_json:
        terminal_output.write_json(plan)
        return
    terminal_output.write_table(pa.Table.from_pylist(plan["strata"]))
    terminal_output.print_text(
        f"plan v{plan['version']}: {plan['rate']:.1%} of requests, made {plan['made_at']}", err=True
    )
