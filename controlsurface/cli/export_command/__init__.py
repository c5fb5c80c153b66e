"""`controlsurface export`: figures as files."""

import click

from controlsurface.cli.export_command import export_cost, export_incident


@click.group("export")
def command() -> None:
    """Figures as files, from a running server or from the data directory, whichever there is."""


command.add_command(export_cost.command)
command.add_command(export_incident.command)
