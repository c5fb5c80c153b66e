"""`controlsurface audit`: what two lanes answer to the same requests, and what people say of it."""

import click

from controlsurface.cli.audit_command import (
    audit_estimate,
    audit_export,
    audit_label,
    audit_list,
    audit_plan,
    audit_sample,
)


@click.group("audit")
def command() -> None:
    """Compare lanes: what they answer to the same requests, and what people say of it."""


command.add_command(audit_plan.command)
command.add_command(audit_sample.command)
command.add_command(audit_list.command)
command.add_command(audit_label.command)
command.add_command(audit_estimate.command)
command.add_command(audit_export.export)
command.add_command(audit_export.bring)
