"""`controlsurface audit estimate`: how often lanes disagree, and where the large one is worse."""

from contextlib import closing
from pathlib import Path

import click

from controlsurface.audit.questions import Disagreement, DisagreementArgs
from controlsurface.cli import output
from controlsurface.cli.options import data_option, filter_of, json_option, reader_of

_SHOWN = (
    "n effective_n value low high ac1 people people_low people_high graded graded_share large_minus_small "
    "large comparator"
).split()


@click.command("estimate")
@data_option
@click.option(
    "--by", multiple=True, default=["task_type"], show_default=True, metavar="A,B", help="Slices; also `band`."
)
@click.option("--since", metavar="DURATION", help="From so long ago until now.  [default: all that is stored]")
@click.option("--where", multiple=True, metavar="K=V", help="Keep pairs of this value; repeat for more. K=: unknown.")
@json_option
@click.pass_context
def command(
    context: click.Context, data: Path, by: tuple[str, ...], since: str | None, where: tuple[str, ...], as_json: bool
) -> None:
    """Disagreement of the lanes, by slice, weighted by the sampling, with 95 % intervals."""
    given = {"by": by, "start": f"-{since}" if since else None, "where": tuple(map(filter_of, where))}
    arguments = DisagreementArgs.model_validate(given)
    with closing(reader_of(data, context)) as reader:
        answer = reader.ask(Disagreement(arguments))
    if as_json:
        output.write_json({**answer.facts, "rows": answer.rows.to_pylist()})
        return
    output.write_table(answer.rows.select([*dict.fromkeys(arguments.by), *_SHOWN]))
    for name in answer.facts["large_worse"]:
        output.say(f"{name}: the large lane's answers are worse; escalating there destroys value", err=True)
