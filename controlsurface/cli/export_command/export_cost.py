"""`controlsurface export cost`: who owes what for a week, with a manifest."""

import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import click

from controlsurface.cli import terminal_output
from controlsurface.cli.command_options import data_option, open_client
from controlsurface.export.table_formats import ExportFormat
from controlsurface.export.weekly_cost import export_weekly_cost
from controlsurface.export.weekly_revisions import describe_restatement
from controlsurface.money.cost_attribution import DEFAULT_DIMENSIONS, AttributionArgs

_FOLDER_TYPE = click.Path(file_okay=False, path_type=Path)


_EXAMPLE = """\b
controlsurface export cost --week 2026-W47 --by team,task_type --to reports
"""


@click.command("cost", epilog=_EXAMPLE)
@click.option("--week", required=True, metavar="WEEK", help="ISO 8601 week in UTC, such as 2026-W47.")
@click.option(
    "--by",
    multiple=True,
    default=DEFAULT_DIMENSIONS,
    metavar="A,B",
    show_default=",".join(DEFAULT_DIMENSIONS),
    help="Dimensions.",
)
@click.option("--format", "form", type=click.Choice(get_args(ExportFormat)), default="csv", show_default=True)
@click.option("--to", type=_FOLDER_TYPE, help="Write file and manifest into this folder.  [default: standard output]")
@data_option
@click.pass_context
def command(
    context: click.Context, week: str, by: tuple[str, ...], form: ExportFormat, to: Path | None, data: Path
) -> None:
    """Requests, calls, tokens and cost of a week, broken down; with --to a manifest beside them.

    A week that is over has a revision: the next one where its figures are no longer those exported before.
    """
    args = AttributionArgs.model_validate({"week": week, "by": by})
    now = datetime.now(UTC)
    if to is None and form == "parquet" and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal; give --to a folder")
    with closing(open_client(data, context)) as reader:
        made = export_weekly_cost(reader, args, form, now)
    if not args.closed(now):
        terminal_output.print_text(f"controlsurface: {week} is not over: its figures still grow", err=True)
    if made.revision and made.revision["restates"]:
        terminal_output.print_text(f"controlsurface: {describe_restatement(week, made.revision)}", err=True)
    if to is None:
        if form != "parquet":
            terminal_output.write_document(made.body)
            return
        sys.stdout.flush()
        sys.stdout.buffer.write(made.body)
        return
    for path in made.write(to):
        terminal_output.print_text(path)
