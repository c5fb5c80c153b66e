"""`controlsurface audit label`: say which of two answers is right."""

import getpass
from contextlib import closing
from pathlib import Path
from typing import get_args

import click

from controlsurface.audit import desk
from controlsurface.audit.desk.sides import Verdict
from controlsurface.cli import output
from controlsurface.cli.options import data_option, reader_of
from controlsurface.errors import NotFound

UNDO = "undo"


@click.command("label")
@click.argument("item")
@click.argument("verdict", type=click.Choice([*get_args(Verdict), UNDO]))
@click.option("--reviewer", default=getpass.getuser, show_default="your user name", help="Who says so.")
@click.option("--comment", help="Why.")
@data_option
@click.pass_context
def command(context: click.Context, item: str, verdict: str, reviewer: str, comment: str | None, data: Path) -> None:
    """Label ITEM (see `audit list`): which answer is right. A later word of the same reviewer replaces it."""
    with closing(reader_of(data, context)) as reader:
        found = reader.ask(desk.Next(desk.NextArgs(reviewer=reviewer, item=item))).rows.to_pylist()
        if not found:
            raise NotFound(f"no audit item '{item[:100]}'; `controlsurface audit list` shows them")
        said = desk.Label.model_validate(
            {
                "reviewer": reviewer,
                "revision": found[0]["revision"],
                "verdict": None if verdict == UNDO else verdict,
                "comment": comment,
                "said_by": "cli",
            }
        )
        output.write_json(reader.do(desk.SayLabel(item, said)))
