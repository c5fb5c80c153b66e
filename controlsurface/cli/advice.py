"""`controlsurface advice`: what the built-in rules say should be done, with the figures they rest on."""

from contextlib import closing
from pathlib import Path

import click

from controlsurface.cli import output
from controlsurface.cli.options import data_option, json_option, reader_of
from controlsurface.metrics.query import QueryArgs
from controlsurface.reader.advice import AdviceArgs, Advised
from controlsurface.reader.extent import whereabouts
from controlsurface.reader.figures import MetricQuery

_SHOWN = "title why metric value low high n where".split()


@click.command
@data_option
@click.option("--since", default="7d", show_default=True, metavar="DURATION", help="From so long ago until now.")
@click.option("--format", "form", type=click.Choice(output.FORMATS), default="table", show_default=True)
@json_option
@click.pass_context
def command(context: click.Context, data: Path, since: str, form: str, as_json: bool) -> None:
    """What to do, by built-in rules, each with its evidence; and which rules had too little to say anything."""
    arguments = AdviceArgs.model_validate({"start": f"-{since.lstrip('-')}"})
    asked, form = Advised(arguments), "json" if as_json else form
    with closing(reader_of(data, context)) as reader:
        answer = reader.ask(asked)
        window = QueryArgs(metric="requests", start=answer.facts["start"], end=answer.facts["end"])
        if not any(reader.ask(MetricQuery(window)).rows["n"].to_pylist()):
            output.say(f"controlsurface: advice: {whereabouts(reader)}", err=True)
    output.write_answer(asked, answer, form, _SHOWN)
    if form == "table":
        for rule in answer.facts["rules"]:
            if rule["state"] != "found":
                output.say(f"{rule['looks_for']}: {rule['state']}", err=True)
