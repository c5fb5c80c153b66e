"""`controlsurface audit estimate`: how often lanes disagree, and where the large one is worse."""

from contextlib import closing
from pathlib import Path

import click

from controlsurface.audit.audit_queries import DisagreementArgs, DisagreementQuery
from controlsurface.cli import terminal_output
from controlsurface.cli.command_options import data_option, json_option, open_client, parse_filter

_COLUMNS = (
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
    given = {"by": by, "start": f"-{since}" if since else None, "where": tuple(map(parse_filter, where))}
    arguments = DisagreementArgs.model_validate(given)
    with closing(open_client(data, context)) as reader:
        answer = reader.run(DisagreementQuery(arguments))
    if as_json:
        terminal_output.write_json({**answer.facts, "rows": answer.rows.to_pylist()})
        return
    terminal_output.write_table(answer.rows.select([*dict.fromkeys(arguments.by), *_COLUMNS]))
    for name in answer.facts["large_worse"]:
        terminal_output.print_text(
            f"{name}: the large lane's answers are worse; escalating there destroys value", err=True
        )
