"""`controlsurface audit`: what two lanes answer to the same requests, and what people say of it."""

import click

from controlsurface.cli.audit import estimate, export, items, label, plan, sample


@click.group("audit")
def command() -> None:
    """Compare lanes: what they answer to the same requests, and what people say of it."""


command.add_command(plan.command)
command.add_command(sample.command)
command.add_command(items.command)
command.add_command(label.command)
command.add_command(estimate.command)
command.add_command(export.export)
command.add_command(export.bring)
