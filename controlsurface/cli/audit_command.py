"""`controlsurface audit`: what two lanes answer to the same requests, and what people say of it."""

import getpass
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import click
import pyarrow as pa
from pyarrow import csv, parquet

from controlsurface.audit.answer_review import label_exchange, review_labels, review_queue
from controlsurface.audit.answer_review.label_exchange import MAX_LABELS_PER_COMMAND
from controlsurface.audit.answer_review.review_labels import LabelVerdict
from controlsurface.audit.answer_review.review_queue import ItemFilter
from controlsurface.audit.disagreement_query import DisagreementArgs, DisagreementQuery
from controlsurface.audit.sampling_plan import (
    CreatePlanCommand,
    LogSamplingCommand,
    SamplingArgs,
    SamplingPlanArgs,
    SamplingPlanQuery,
)
from controlsurface.cli.command_options import data_option, json_option, open_client, parse_filter
from controlsurface.cli.terminal.terminal_rows import write_json, write_result, write_rows
from controlsurface.cli.terminal.terminal_text import print_note
from controlsurface.client.query_protocol import Result
from controlsurface.errors import BadBody, BadRequest, NotFound
from controlsurface.export.table_formats import unguard_formula


@click.group("audit")
def command() -> None:
    """Compare lanes: what they answer to the same requests, and what people say of it."""


@command.command()
@data_option
@click.option(
    "--rate", type=click.FloatRange(0, 1, min_open=True), default=0.05, show_default=True, help="Share of all."
)
@click.option(
    "--floor", type=click.FloatRange(0, 1), default=0.1, show_default=True, help="Part of it drawn from all alike."
)
@click.option("--since", metavar="DURATION", help="Traffic to plan for.  [default: 7d before the newest request]")
@click.option("--show", is_flag=True, help="Show the plan in force instead of making one.")
@json_option
def plan(data: Path, rate: float, floor: float, since: str | None, show: bool, as_json: bool) -> None:
    """Make a sampling plan from the traffic: a floor for all, the rest by the root of each stratum's volume.

    It is in force at once: `GET /api/v1/sampling/{request_id}` goes by it, and clients that decide by themselves take
    its JSON (`--show --json`).
    """
    with closing(open_client(data)) as reader:
        if show:
            answer = reader.run(SamplingPlanQuery())
            plan = {**answer.facts, "strata": answer.rows.to_pylist()}
        else:
            given = {"rate": rate, "floor": floor, "start": f"-{since}" if since else None}
            plan = dict(reader.execute(CreatePlanCommand(SamplingPlanArgs.model_validate(given), "cli")))
    write_result(plan, plan["strata"], as_json)
    if not as_json:
        print_note(f"plan v{plan['version']}: {plan['rate']:.1%} of requests, made {plan['made_at']}")


@command.command()
@click.argument("request_id")
@data_option
@click.option("--task-type", metavar="T", help="What kind of work it is.")
@click.option("--confidence", type=float, metavar="C", help="How sure the router is.")
@json_option
def sample(request_id: str, data: Path, task_type: str | None, confidence: float | None, as_json: bool) -> None:
    """Whether to shadow REQUEST_ID, by the plan in force, as a router would be told."""
    given = SamplingArgs(task_type=task_type, confidence=confidence)
    with closing(open_client(data)) as reader:
        decision = reader.execute(LogSamplingCommand(request_id, given))
    write_result(decision, [decision], as_json)


_PAIR_COLUMNS = "item_id started_at task_type lane answer_label shadow_lane shadow_label verdicts".split()


@command.command("list")
@data_option
@click.option("--since", default="28d", show_default=True, metavar="DURATION", help="From so long ago until now.")
@click.option("--where", multiple=True, metavar="K=V", help="Keep items of this value; repeat for more. K=: unknown.")
@click.option("--which", type=click.Choice(get_args(ItemFilter)), default="all", show_default=True)
@click.option("--reviewer", default="", metavar="NAME", help="Whose labels `second` and `mine` are about.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
def list_(
    data: Path, since: str, where: tuple[str, ...], which: ItemFilter, reviewer: str, limit: int, as_json: bool
) -> None:
    """Pairs of answers to the same request, newest first, with their labels."""
    given = {"start": f"-{since}", "where": tuple(map(parse_filter, where)), "which": which, "limit": limit}
    asked = review_queue.ReviewItemsArgs.model_validate(given | {"reviewer": reviewer})
    with closing(open_client(data)) as reader:
        answer = reader.run(review_queue.ReviewItemsQuery(asked))
    _write_rows_beside_facts(answer, _PAIR_COLUMNS, as_json)
    if not as_json:
        print_note("{items} items, {open} open, {twice} labelled twice".format(**answer.facts))


def _write_rows_beside_facts(answer: Result, columns: Sequence[str], as_json: bool) -> None:
    """All of an answer as JSON, or the columns that people read."""
    write_result({**answer.facts, "rows": answer.rows.to_pylist()}, answer.rows.select([*columns]), as_json)


UNDO = "undo"


@command.command()
@click.argument("item")
@click.argument("verdict", type=click.Choice([*get_args(LabelVerdict), UNDO]))
@click.option("--reviewer", default=getpass.getuser, show_default="your user name", help="Who says so.")
@click.option("--comment", help="Why.")
@data_option
def label(item: str, verdict: str, reviewer: str, comment: str | None, data: Path) -> None:
    """Label ITEM (see `audit list`): which answer is right. A later word of the same reviewer replaces it."""
    with closing(open_client(data)) as reader:
        asked = review_queue.NextItemQuery(review_queue.NextItemArgs(reviewer=reviewer, item=item))
        found = reader.run(asked).rows.to_pylist()
        if not found:
            raise NotFound(f"no audit item '{item[:100]}'; `controlsurface audit list` shows them")
        given = {"reviewer": reviewer, "revision": found[0]["revision"], "comment": comment, "said_by": "cli"}
        given |= {"verdict": None if verdict == UNDO else verdict}
        said = review_labels.Label.model_validate(given)
        write_json(reader.execute(review_labels.SetLabelCommand(item, said)))


_ESTIMATE_COLUMNS = (
    "n effective_n value low high ac1 people people_low people_high graded graded_share large_minus_small "
    "large comparator"
).split()


@command.command()
@data_option
@click.option(
    "--by", multiple=True, default=["task_type"], show_default=True, metavar="A,B", help="Slices; also `band`."
)
@click.option("--since", metavar="DURATION", help="From so long ago until now.  [default: all that is stored]")
@click.option("--where", multiple=True, metavar="K=V", help="Keep pairs of this value; repeat for more. K=: unknown.")
@json_option
def estimate(data: Path, by: tuple[str, ...], since: str | None, where: tuple[str, ...], as_json: bool) -> None:
    """Disagreement of the lanes, by slice, weighted by the sampling, with 95 % intervals."""
    given = {"by": by, "start": f"-{since}" if since else None, "where": tuple(map(parse_filter, where))}
    arguments = DisagreementArgs.model_validate(given)
    with closing(open_client(data)) as reader:
        answer = reader.run(DisagreementQuery(arguments))
    _write_rows_beside_facts(answer, [*dict.fromkeys(arguments.by), *_ESTIMATE_COLUMNS], as_json)
    for name in () if as_json else answer.facts["large_worse"]:
        print_note(f"{name}: the large lane's answers are worse; escalating there destroys value")


# Columns that hold texts even where these look like numbers.
_TEXT_COLUMNS = "item_id reviewer verdict shown_left comment said_by".split()


@command.command()
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option("--reviewer", metavar="NAME", help="Only what NAME says.")
@data_option
def export(form: str, reviewer: str | None, data: Path) -> None:
    """All labels and what their items are about; every revision, what was taken back included."""
    with closing(open_client(data)) as reader:
        write_rows(reader.run(label_exchange.LabelsQuery(label_exchange.LabelsArgs(reviewer=reviewer))).rows, form)


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
def bring(file: Path, data: Path) -> None:
    """Bring labels from FILE (CSV, Parquet) with at least item_id, reviewer and verdict. Twice is once."""
    rows = [*_labels(file, _table(file).to_pylist())]
    total = dict.fromkeys(("new", "known", "without_item"), 0)
    with closing(open_client(data)) as reader:
        for part in _parts(rows):
            done = reader.execute(label_exchange.ImportLabelsCommand(label_exchange.LabelRows(rows=tuple(part))))
            total = {name: total[name] + done[name] for name in total}
    write_json(total)


def _table(file: Path) -> pa.Table:
    """The file's rows. Raises BadBody."""
    converting = csv.ConvertOptions(strings_can_be_null=True, column_types=dict.fromkeys(_TEXT_COLUMNS, pa.string()))
    parsing = csv.ParseOptions(newlines_in_values=True)
    try:
        if file.suffix == ".parquet":
            return parquet.read_table(file)
        return _unguard_texts(csv.read_csv(file, parse_options=parsing, convert_options=converting))
    except pa.ArrowInvalid as problem:
        raise BadBody(f"{file}: {problem}") from None


def _unguard_texts(table: pa.Table) -> pa.Table:
    """The rows with every text as it was before it was written for spreadsheets."""
    for place, name in enumerate(table.column_names):
        if pa.types.is_string(table.schema.field(name).type):
            texts = [text and unguard_formula(text) for text in table.column(name).to_pylist()]
            table = table.set_column(place, name, pa.array(texts, pa.string()))
    return table


def _labels(file: Path, rows: Sequence[dict[str, Any]]) -> Iterator[label_exchange.LabelRow]:
    """The rows as labels. Raises BadRequest naming file and line."""
    for line, row in enumerate(rows, 2):
        try:
            given = {name: row[name] for name in label_exchange.LabelRow.model_fields if row.get(name) is not None}
            yield label_exchange.LabelRow(**({"verdict": None} if "verdict" in row else {}) | given)
        except BadRequest as problem:
            raise BadRequest(f"{file}: row {line}: {problem}") from None


def _parts(rows: Sequence[label_exchange.LabelRow]) -> Iterator[Sequence[label_exchange.LabelRow]]:
    """As many at a time as one order takes."""
    return (rows[at : at + MAX_LABELS_PER_COMMAND] for at in range(0, len(rows), MAX_LABELS_PER_COMMAND))
