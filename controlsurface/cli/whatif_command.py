"""`controlsurface whatif`: what another threshold would do."""

from contextlib import closing
from pathlib import Path
from typing import Any

import click

from controlsurface.audit.strategies_query import StrategiesQuery
from controlsurface.audit.what_if_query import WhatIfArgs, WhatIfQuery
from controlsurface.cli.command_options import data_option, json_option, open_client, parse_filter
from controlsurface.cli.terminal.terminal_rows import OUTPUT_FORMATS, write_answer
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.formatting import format_ratio
from controlsurface.query.arguments import WeekRange

_STRATEGY_COLUMNS = (
    "strategy evidence escalation_rate quality quality_low quality_high quality_lowest quality_highest cost_usd "
    "latency_ms overhead_usd overhead_ms break_even_requests"
).split()
_COLUMNS = "task_type threshold escalation_rate quality quality_low quality_high cost_usd latency_ms evidence".split()


@click.command
@data_option
@click.option("--task-type", metavar="T", help="One task type; without it all together, and each.")
@click.option("--thresholds", default="0:1:0.05", show_default=True, metavar="A:B:STEP", help="Or numbers with commas.")
@click.option("--from-lane", metavar="LANE", help="With --to-lane: the lane that keeps what is not below.")
@click.option("--to-lane", metavar="LANE", help="Where a confidence below goes.  [default: all escalation lanes]")
@click.option(
    "--strategies", is_flag=True, help="Compare ways to route instead: rules, classifier, cascade, threshold."
)
@click.option("--since", metavar="DURATION", help="From so long ago until now.  [default: all that is stored]")
@click.option(
    "--where", multiple=True, metavar="K=V", help="Keep requests of this value; repeat for more. K=: unknown."
)
@click.option("--format", "form", type=click.Choice(OUTPUT_FORMATS), default="table", show_default=True)
@json_option
def command(
    data: Path,
    task_type: str | None,
    thresholds: str,
    from_lane: str | None,
    to_lane: str | None,
    strategies: bool,
    since: str | None,
    where: tuple[str, ...],
    form: str,
    as_json: bool,
) -> None:
    """Escalation, quality, cost and latency at other thresholds, from shadowed traffic; or why nobody can say."""
    if strategies:
        if task_type or from_lane or to_lane or where:
            raise click.UsageError("--strategies compares all traffic of a window; leave the other filters out")
        _compare_strategies(data, since, "json" if as_json else form)
        return
    given = {"task_type": task_type, "thresholds": thresholds, "start": f"-{since}" if since else None}
    given |= {"from_lane": from_lane, "to_lane": to_lane}
    arguments = WhatIfArgs.model_validate(given | {"where": tuple(map(parse_filter, where))})
    asked, form = WhatIfQuery(arguments), "json" if as_json else form
    with closing(open_client(data)) as reader:
        answer = reader.run(asked)
    write_answer(asked, answer, form, _COLUMNS)
    if form == "table":
        for part in answer.facts["slices"]:
            print_note(_slice_note(part))


def _compare_strategies(data: Path, since: str | None, form: str) -> None:
    window = {"start": f"-{since.lstrip('-')}"} if since else {}
    asked = StrategiesQuery(WeekRange.model_validate(window))
    with closing(open_client(data)) as reader:
        answer = reader.run(asked)
    write_answer(asked, answer, form, _STRATEGY_COLUMNS)
    if form == "table":
        facts = answer.facts
        small = ", ".join(facts["small_tasks"]) or "none"
        print_note(f"{facts['n']} requests; quality is {facts['quality_is'] or 'unknown'}; rules send down: {small}")
        for row in answer.rows.select(["strategy", "assumptions"]).to_pylist():
            for each in row["assumptions"]:
                print_note(f"{row['strategy']}: {each}")


def _slice_note(part: dict[str, Any]) -> str:
    """What a person should know about a slice."""
    name = part["task_type"] or "all"
    parts = f"{_pairs(part, 'graded', 'graded_share')}, {_pairs(part, 'by_agreement', 'agreement_share')}"
    said = f"{part['quality_is'] or 'unknown'} ({parts})"
    return f"{name}: {part['n']} requests, {part['pairs']} pairs; quality is {said}"


def _pairs(part: dict[str, Any], name: str, share: str) -> str:
    """How many pairs of a sort there are, and which share of the requests they stand for."""
    return f"{part[name]} {name.replace('_', ' ')} for {format_ratio(part[share])} of requests"
