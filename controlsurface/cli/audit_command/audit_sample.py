"""`controlsurface audit sample`: whether a request is to be shadowed."""

from contextlib import closing
from pathlib import Path

import click
import pyarrow as pa

from controlsurface.audit.audit_queries import LogSamplingCommand, SamplingArgs
from controlsurface.cli import terminal_output
from controlsurface.cli.command_options import data_option, json_option, open_client


@click.command("sample")
@click.argument("request_id")
@data_option
@click.option("--task-type", metavar="T", help="What kind of work it is.")
@click.option("--confidence", type=float, metavar="C", help="How sure the router is.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    request_id: str,
    data: Path,
    task_type: str | None,
    confidence: float | None,
    as_json: bool,
) -> None:
    """Whether to shadow REQUEST_ID, by the plan in force, as a router would be told."""
    given = SamplingArgs(task_type=task_type, confidence=confidence)
    with closing(open_client(data, context)) as reader:
        decision = reader.execute(LogSamplingCommand(request_id, given))
    if as_json:
        terminal_output.write_json(decision)
    else:
        terminal_output.write_table(pa.Table.from_pylist([dict(decision)]))
