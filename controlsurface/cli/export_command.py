"""`controlsurface export`: the weekly cost with a manifest, and an incident as one HTML file."""

import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import click

from controlsurface.blob_store import open_blobs
from controlsurface.cli.command_options import data_option, open_client, parse_filter
from controlsurface.cli.terminal.terminal_rows import write_document
from controlsurface.cli.terminal.terminal_text import print_note, print_text
from controlsurface.config.cost_exports import COST_FORMATS, EXPORT_DIMENSIONS, CostFormat
from controlsurface.errors import BadRequest
from controlsurface.export.focus.focus_columns import FOCUS_VERSIONS, FocusVersion
from controlsurface.export.focus.focus_rows import DEFAULT_BILLING_ACCOUNT
from controlsurface.export.incident_report import gather_incident, render_incident_report
from controlsurface.export.weekly_cost import FocusOptions, export_weekly_cost
from controlsurface.export.weekly_revisions import describe_restatement
from controlsurface.metrics.contributors.contributor_query import BASELINES, Baseline, ContributorsArgs, baseline_window
from controlsurface.money.cost_attribution import AttributionArgs
from controlsurface.query.arguments import FilteredRange

_BINARY_FORMATS = {"parquet", "xlsx"}


@click.group("export")
def command() -> None:
    """Figures as files, from a running server or from the data directory, whichever there is."""


_COST_EXAMPLE = """\b
controlsurface export cost --week 2026-W47 --by team,task_type --to reports
"""


@command.command(epilog=_COST_EXAMPLE)
@click.option("--week", required=True, metavar="WEEK", help="ISO 8601 week in UTC, 2026-W47, or a day, 2026-11-16.")
@click.option(
    "--by",
    multiple=True,
    default=EXPORT_DIMENSIONS,
    metavar="A,B",
    show_default=",".join(EXPORT_DIMENSIONS),
    help="Dimensions. FOCUS has all of them.",
)
@click.option("--format", "form", type=click.Choice(COST_FORMATS), default="csv", show_default=True)
@click.option("--focus-version", type=click.Choice(FOCUS_VERSIONS), default="1.4", show_default=True)
@click.option(
    "--billing-account", default=DEFAULT_BILLING_ACCOUNT, show_default=True, help="FOCUS: account of the charges."
)
@click.option(
    "--to",
    metavar="PLACE",
    help="Write file and manifest into this folder, or to s3://bucket/folder.  [default: standard output]",
)
@data_option
def cost(
    week: str,
    by: tuple[str, ...],
    form: CostFormat,
    focus_version: FocusVersion,
    billing_account: str,
    to: str | None,
    data: Path,
) -> None:
    """Requests, calls, tokens and cost of a week, broken down; with --to a manifest beside them.

    A week that is over has a revision: the next one where its figures are no longer those exported before.
    """
    args = AttributionArgs.model_validate({"week": week, "by": by})
    now = datetime.now(UTC)
    if to is None and form in _BINARY_FORMATS and sys.stdout.isatty():
        raise click.UsageError(f"{form} is not for a terminal; give --to a folder")
    with closing(open_client(data)) as reader:
        made = export_weekly_cost(reader, args, form, now, FocusOptions(focus_version, billing_account))
    if not args.closed(now):
        print_note(f"controlsurface: {week} is not over: its figures still grow")
    if made.revision and made.revision["restates"]:
        print_note(f"controlsurface: {describe_restatement(week, made.revision)}")
    if made.calls_without_cost:
        print_note(f"controlsurface: {made.calls_without_cost:,} calls have no price: their cost is unknown, not zero")
    if to is not None:
        place = open_blobs(to, private=False)
        for name in made.write(place):
            print_text(f"{place}/{name}")
    elif form not in _BINARY_FORMATS:
        write_document(made.body)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(made.body)


_INCIDENT_EXAMPLE = """\b
controlsurface export incident --metric escalation_rate --from -3h --to now > incident.html
"""


@command.command(epilog=_INCIDENT_EXAMPLE)
@click.option("--metric", required=True, metavar="M", help="A total, a mean or a share of rows.")
@click.option("--from", "start", required=True, metavar="TIME", help="First moment, e.g. -3h.")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME", help="Moment after the last.")
@click.option("--baseline", "against", type=click.Choice(get_args(Baseline)), default="before", show_default=True)
@click.option("--where", multiple=True, metavar="K=V", help="Keep rows of this value; repeat for more. K=: unknown.")
@click.option("--format", type=click.Choice(["html"]), default="html", show_default=True, expose_value=False)
@data_option
def incident(metric: str, start: str, end: str, against: Baseline, where: tuple[str, ...], data: Path) -> None:
    """What is different between a window and its baseline, as one file that needs nothing else."""
    window = FilteredRange.model_validate({"start": start, "end": end})
    if window.start is None or window.end is None:
        raise BadRequest("--from and --to: name two moments")
    first, last = baseline_window(against, window.start, window.end)
    moments = {"start": window.start, "end": window.end, "baseline_start": first, "baseline_end": last}
    asked = ContributorsArgs.model_validate({"metric": metric, **moments, "where": tuple(map(parse_filter, where))})
    with closing(open_client(data)) as reader:
        incident = gather_incident(reader, asked, BASELINES[against])
    write_document(render_incident_report(incident))
