"""`controlsurface rules accept`: what a drift rule sees now is normal from now on."""

import getpass
from contextlib import closing
from pathlib import Path

import click

from controlsurface.alerting.detectors.drift.rebaseline_command import AcceptBaseline, BaselineAcceptance
from controlsurface.cli import terminal_output
from controlsurface.cli.command_options import data_option, open_client
from controlsurface.query.arguments import FilteredTimeRange


@click.command()
@click.argument("alert")
@click.option("--where", multiple=True, metavar="DIMENSION=VALUE", help="Only slices of this value; empty: unknown.")
@click.option("--who", default=getpass.getuser, show_default="your user name", help="Who says so.")
@click.option("--why", help="A sentence for those who will wonder.")
@data_option
@click.pass_context
def accept(context: click.Context, alert: str, where: tuple[str, ...], who: str, why: str | None, data: Path) -> None:
    """Take what the drift rule ALERT sees now as its baseline, from the detector's next look on."""
    pairs = tuple(each.replace("=", ":", 1) for each in where)
    wanted = {name: values[0] for name, values in FilteredTimeRange(where=pairs).filters().items()}
    with closing(open_client(data, context)) as reader:
        terminal_output.write_json(
            reader.execute(AcceptBaseline(alert, BaselineAcceptance(slice=wanted, who=who, why=why)))
        )
