"""`controlsurface audit list`: the pairs of answers, and how far they are labelled."""

from contextlib import closing
from pathlib import Path
from typing import get_args

import click

from controlsurface.audit import answer_review
from controlsurface.audit.answer_review.review_queue import ItemFilter
from controlsurface.cli import terminal_output
from controlsurface.cli.command_options import data_option, json_option, open_client, parse_filter

_COLUMNS = ["item_id", "started_at", "task_type", "lane", "answer_label", "shadow_lane", "shadow_label", "verdicts"]


@click.command("list")
@data_option
@click.option("--since", default="28d", show_default=True, metavar="DURATION", help="From so long ago until now.")
@click.option("--where", multiple=True, metavar="K=V", help="Keep items of this value; repeat for more. K=: unknown.")
@click.option("--which", type=click.Choice(get_args(ItemFilter)), default="all", show_default=True)
@click.option("--reviewer", default="", metavar="NAME", help="Whose labels `second` and `mine` are about.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@click.pass_context
def command(
    context: click.Context,
    data: Path,
    since: str,
    where: tuple[str, ...],
    which: ItemFilter,
    reviewer: str,
    limit: int,
    as_json: bool,
) -> None:
    """Pairs of answers to the same request, newest first, with their labels."""
    asked = answer_review.ReviewItemsArgs.model_validate(
        {"start": f"-{since}", "where": tuple(map(parse_filter, where)), "which": which, "reviewer": reviewer}
        | {"limit": limit}
    )
    with closing(open_client(data, context)) as reader:
        answer = reader.run(answer_review.ReviewItemsQuery(asked))
    if as_json:
        terminal_output.write_json({**answer.facts, "rows": answer.rows.to_pylist()})
        return
    terminal_output.write_table(answer.rows.select(_COLUMNS))
    terminal_output.print_text("{items} items, {open} open, {twice} labelled twice".format(**answer.facts), err=True)
