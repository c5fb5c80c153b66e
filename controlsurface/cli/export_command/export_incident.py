"""`controlsurface export incident`: what was different, as one HTML file."""

from contextlib import closing
from pathlib import Path
from typing import get_args

import click

from controlsurface.cli import terminal_output
from controlsurface.cli.command_options import data_option, open_client, parse_filter
from controlsurface.errors import BadRequest
from controlsurface.export.incident_data import gather_incident
from controlsurface.export.incident_report import render_incident_report
from controlsurface.metrics.contributors.contributor_query import ContributorsArgs
from controlsurface.metrics.queries.baseline_window import BASELINES, Baseline, baseline_window_of
from controlsurface.query.arguments import FilteredTimeRange

_EXAMPLE = """\b
controlsurface export incident --metric escalation_rate --from -3h --to now > incident.html
"""


@click.command("incident", epilog=_EXAMPLE)
@click.option("--metric", required=True, metavar="M", help="A total, a mean or a share of rows.")
@click.option("--from", "start", required=True, metavar="TIME", help="First moment, e.g. -3h.")
@click.option("--to", "end", default="now", show_default=True, metavar="TIME", help="Moment after the last.")
@click.option("--baseline", "against", type=click.Choice(get_args(Baseline)), default="before", show_default=True)
@click.option("--where", multiple=True, metavar="K=V", help="Keep rows of this value; repeat for more. K=: unknown.")
@click.option("--format", "form", type=click.Choice(["html"]), default="html", show_default=True)
@data_option
@click.pass_context
def command(
    context: click.Context,
    metric: str,
    start: str,
    end: str,
    against: Baseline,
    where: tuple[str, ...],
    form: str,
    data: Path,
) -> None:
    """What is different between a window and its baseline, as one file that needs nothing else."""
    window = FilteredTimeRange.model_validate({"start": start, "end": end})
    if window.start is None or window.end is None:
        raise BadRequest("--from and --to: name two moments")
    first, last = baseline_window_of(against, window.start, window.end)
    asked = ContributorsArgs(
        metric=metric,
        start=window.start,
        end=window.end,
        baseline_start=first,
        baseline_end=last,
        where=tuple(map(parse_filter, where)),
    )
    with closing(open_client(data, context)) as reader:
        incident = gather_incident(reader, asked, BASELINES[against])
    terminal_output.write_document(_FORMS[form](incident))


_FORMS = {"html": render_incident_report}
