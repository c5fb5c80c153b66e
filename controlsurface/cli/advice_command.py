"""`controlsurface advice`: what the built-in rules say should be done, with the figures they rest on."""

from contextlib import closing
from pathlib import Path

import click

from controlsurface.cli.command_options import data_option, json_option, open_client
from controlsurface.cli.terminal.terminal_rows import OUTPUT_FORMATS, write_answer
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.client.advice import AdviceQuery
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.client.queries.store_statistics import empty_window_hint
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.query.arguments import WeekRange

_COLUMNS = "title why metric value low high n where".split()


@click.command
@data_option
@click.option("--since", default="7d", show_default=True, metavar="DURATION", help="From so long ago until now.")
@click.option("--format", "form", type=click.Choice(OUTPUT_FORMATS), default="table", show_default=True)
@json_option
def command(data: Path, since: str, form: str, as_json: bool) -> None:
    """What to do, by built-in rules, each with its evidence; and which rules had too little to say anything."""
    arguments = WeekRange.model_validate({"start": f"-{since.lstrip('-')}"})
    asked, form = AdviceQuery(arguments), "json" if as_json else form
    with closing(open_client(data)) as reader:
        answer = reader.run(asked)
        window = MetricArgs(metric="requests", start=answer.facts["start"], end=answer.facts["end"])
        if not any(reader.run(MetricQuery(window)).rows["n"].to_pylist()):
            print_note(f"controlsurface: advice: {empty_window_hint(reader)}")
    write_answer(asked, answer, form, _COLUMNS)
    if form == "table":
        for rule in answer.facts["rules"]:
            if rule["state"] != "found":
                print_note(f"{rule['looks_for']}: {rule['state']}")
