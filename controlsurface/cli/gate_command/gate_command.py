"""`controlsurface gate`: an exit code by a metric, a bound and a window, for a step of a pipeline."""

import os
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from controlsurface.cli.command_options import DURATION, data_option, json_option, open_client, parse_filter
from controlsurface.cli.terminal.terminal_rows import write_json
from controlsurface.cli.terminal.terminal_text import print_text
from controlsurface.client import Client, RemoteClient
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.metric_gate import GateBound, describe_row, gate_verdict, parse_bound
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.errors import GateBroken, GateUndecided, UnknownName
from controlsurface.formatting import format_value
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import MetricArgs

POLL_S = 5.0

_EXAMPLES = """\b
controlsurface gate escalation_rate --above 25% --where router_version=2026.41 --over 30m --wait 1h
controlsurface gate latency_p95 --above 4s --by lane --url http://cs.example.com:8502
"""


@click.command("gate", epilog=_EXAMPLES)
@click.argument("metric")
@click.option("--above", metavar="BOUND", help="Broken when greater: 25%, 2s, $0.003 or a number.")
@click.option("--below", metavar="BOUND", help="Broken when smaller.")
@click.option("--over", type=DURATION, default="1h", show_default=True, help="The window that is measured, up to now.")
@click.option("--where", multiple=True, metavar="K=V", help="Keep rows of this value; repeat for more. K=: unknown.")
@click.option("--by", multiple=True, metavar="A,B", help="Judge each of these slices; one that is broken breaks it.")
@click.option("--min-rows", type=click.IntRange(1), default=50, show_default=True, help="Fewer decide nothing.")
@click.option("--certain", is_flag=True, help="Broken only where the whole 95 % interval is beyond the bound.")
@click.option("--wait", type=DURATION, default="0s", show_default=True, help="For enough rows, at most so long.")
@click.option("--url", help="A server elsewhere; its token in CONTROLSURFACE_TOKEN.  [default: that of --data]")
@data_option
@json_option
def command(
    metric: str,
    above: str | None,
    below: str | None,
    over: timedelta,
    where: tuple[str, ...],
    by: tuple[str, ...],
    min_rows: int,
    certain: bool,
    wait: timedelta,
    url: str | None,
    data: Path,
    as_json: bool,
) -> None:
    """End with 0 where METRIC holds its bound, 13 where it is broken, 14 where there are too few rows to say.

    What is unknown does not hold: a canary without traffic stops the pipeline, unless more time (--wait) brings some.
    """
    if above is None and below is None:
        raise click.UsageError("give --above or --below, or both")
    if metric not in CATALOG:
        raise UnknownName("metric", metric, CATALOG)
    asked = MetricArgs.model_validate(
        {"metric": metric, "by": by, "where": tuple(map(parse_filter, where)), "start": f"-{over.total_seconds():.0f}s"}
    )
    unit = CATALOG[metric].unit
    sides = {side: parse_bound(text, unit) for side, text in (("above", above), ("below", below)) if text is not None}
    bound = GateBound(sides.get("above"), sides.get("below"), certain=certain, min_rows=min_rows)
    with closing(_client(url, data)) as reader:
        rows = _judged(reader, asked, bound, time.monotonic() + wait.total_seconds())
    verdict = gate_verdict(row["verdict"] for row in rows)
    if as_json:
        write_json({"metric": metric, "above": bound.above, "below": bound.below, "verdict": verdict, "rows": rows})
    told = [f"{row['verdict']}: {describe_row(row, asked.by, unit)}" for row in rows]
    for line in () if as_json else told:
        print_text(line)
    if verdict == "broken":
        limits = " or ".join(f"{side} {format_value(end, unit)}" for side, end in sides.items())
        raise GateBroken(f"{metric} is {limits}{' for certain' if certain else ''}")
    if verdict == "too few":
        raise GateUndecided(f"{metric}: fewer than {min_rows} rows: nothing can be said")


def _client(url: str | None, data: Path) -> Client:
    return RemoteClient(url, os.environ.get("CONTROLSURFACE_TOKEN", "")) if url else open_client(data)


def _judged(reader: Client, asked: MetricArgs, bound: GateBound, until: float) -> list[dict[str, Any]]:
    """The rows with their verdicts, once one could be judged or the time is over."""
    while True:
        found = as_dicts(reader.run(MetricQuery(asked)).rows)
        rows = [{**row, "verdict": bound.verdict(row)} for row in found]
        if gate_verdict(row["verdict"] for row in rows) != "too few" or time.monotonic() >= until:
            return rows
        time.sleep(min(POLL_S, max(0.0, until - time.monotonic())))
