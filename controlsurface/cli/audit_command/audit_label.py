"""`controlsurface audit label`: say which of two answers is right."""

import getpass
from contextlib import closing
from pathlib import Path
from typing import get_args

import click

from controlsurface.audit import answer_review
from controlsurface.audit.answer_review.blinding import LabelVerdict
from controlsurface.cli import terminal_output
from controlsurface.cli.command_options import data_option, open_client
from controlsurface.errors import NotFound

UNDO = "undo"


@click.command("label")
@click.argument("item")
@click.argument("verdict", type=click.Choice([*get_args(LabelVerdict), UNDO]))
@click.option("--reviewer", default=getpass.getuser, show_default="your user name", help="Who says so.")
@click.option("--comment", help="Why.")
@data_option
@click.pass_context
def command(context: click.Context, item: str, verdict: str, reviewer: str, comment: str | None, data: Path) -> None:
    """Label ITEM (see `audit list`): which answer is right. A later word of the same reviewer replaces it."""
    with closing(open_client(data, context)) as reader:
        found = reader.run(
            answer_review.NextItemQuery(answer_review.NextItemArgs(reviewer=reviewer, item=item))
        ).rows.to_pylist()
        if not found:
            raise NotFound(f"no audit item '{item[:100]}'; `controlsurface audit list` shows them")
        said = answer_review.Label.model_validate(
            {
                "reviewer": reviewer,
                "revision": found[0]["revision"],
                "verdict": None if verdict == UNDO else verdict,
                "comment": comment,
                "said_by": "cli",
            }
        )
        terminal_output.write_json(reader.execute(answer_review.SetLabelCommand(item, said)))
