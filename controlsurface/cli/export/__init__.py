"""`controlsurface export`: figures as files."""

import click

from controlsurface.cli.export import cost, incident


@click.group("export")
def command() -> None:
    """Figures as files, from a running server or from the data directory, whichever there is."""


command.add_command(cost.command)
command.add_command(incident.command)
