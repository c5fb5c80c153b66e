"""`controlsurface query`: any metric, from a running server or from the data directory, whichever there is."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pyarrow as pa

from controlsurface.cli.command_options import data_option, json_option, open_client, parse_filter
from controlsurface.cli.terminal.terminal_rows import OUTPUT_FORMATS, write_answer, write_rows
from controlsurface.cli.terminal.terminal_text import print_note, print_text
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.client.queries.store_statistics import empty_window_hint
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import MetricArgs

_EXAMPLES = """\b
controlsurface query escalation_rate --by task_type --since 24h
controlsurface query cost --by team --where lane=large --every 1d --format csv
"""


@click.command(epilog=_EXAMPLES)
@click.argument("metric", required=False)
@data_option
@click.option("--list", "listed", is_flag=True, help="Show all metrics.")
@click.option("--by", multiple=True, metavar="A,B", help="Dimensions to break down by.")
@click.option("--where", multiple=True, metavar="K=V", help="Keep rows of this value; repeat for more. K=: unknown.")
@click.option("--since", metavar="DURATION", help="From so long ago until now, e.g. 24h.")
@click.option("--from", "start", metavar="TIME", help="First moment: 2026-01-09, 2026-01-09T12:00:00Z or -24h.")
@click.option("--to", "end", metavar="TIME", help="Moment after the last.")
@click.option("--every", metavar="DURATION", help="One row for each step of time, e.g. 1h.")
@click.option("--format", "form", type=click.Choice(OUTPUT_FORMATS), default="table", show_default=True)
@json_option
@click.option("--sql", is_flag=True, help="Print the statement and its parameters instead of the rows.")
def command(
    metric: str | None,
    data: Path,
    listed: bool,
    by: tuple[str, ...],
    where: tuple[str, ...],
    since: str | None,
    start: str | None,
    end: str | None,
    every: str | None,
    form: str,
    as_json: bool,
    sql: bool,
) -> None:
    """Any metric of the catalogue, broken down, filtered and over time."""
    form = "json" if as_json else form
    if listed:
        _print_catalogue(form)
        return
    if metric is None:
        raise click.UsageError("name a METRIC; --list shows them")
    if since and start:
        raise click.UsageError("--since and --from say the same; give one")
    given = {"start": f"-{since.lstrip('-')}" if since else start, "end": end, "every": every}
    arguments = MetricArgs.model_validate(
        {"metric": metric, "by": by, "where": tuple(map(parse_filter, where)), **{k: v for k, v in given.items() if v}}
    )
    asked = MetricQuery(arguments)
    with closing(open_client(data)) as reader:
        answer = reader.run(asked)
        if not any(n for n in answer.rows["n"].to_pylist()):
            print_note(f"controlsurface: query: {empty_window_hint(reader, bool(where))}")
    if sql:
        _print_sql(answer.facts)
    else:
        write_answer(asked, answer, form)


def _print_catalogue(form: str) -> None:
    rows = [
        {"name": m.id, "unit": m.unit, "better": m.better, "kind": m.kind, "help": m.help} for m in CATALOG.values()
    ]
    write_rows(pa.Table.from_pylist(rows), form)


def _print_sql(facts: Mapping[str, Any]) -> None:
    """The statement as it was run, and what stood for its parameters."""
    print_text(facts["sql"])
    for name, value in facts["parameters"].items():
        print_text(f"-- ${name} = {value!r}")
