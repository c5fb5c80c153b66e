"""`controlsurface audit export` and `audit import`: labels as files, with their history, there and back."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
from pyarrow import csv, parquet

from controlsurface.audit import answer_review
from controlsurface.audit.answer_review.label_exchange import MAX_LABELS_PER_COMMAND
from controlsurface.cli import terminal_output
from controlsurface.cli.command_options import data_option, open_client
from controlsurface.errors import BadBody, BadRequest
from controlsurface.export.table_formats import unguard_formula

_TEXT_COLUMNS = (
    "item_id",
    "reviewer",
    "verdict",
    "shown_left",
    "comment",
    "said_by",
)  # even where they look like numbers


@click.command("export")
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option("--reviewer", metavar="NAME", help="Only what NAME says.")
@data_option
@click.pass_context
def export(context: click.Context, form: str, reviewer: str | None, data: Path) -> None:
    """All labels and what their items are about; every revision, what was taken back included."""
    with closing(open_client(data, context)) as reader:
        terminal_output.write_rows(
            reader.run(answer_review.LabelsQuery(answer_review.LabelsArgs(reviewer=reviewer))).rows, form
        )


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
@click.pass_context
def bring(context: click.Context, file: Path, data: Path) -> None:
    """Bring labels from FILE (CSV, Parquet) with at least item_id, reviewer and verdict. Twice is once."""
    rows = [*_labels(file, _table(file).to_pylist())]
    total = dict.fromkeys(("new", "known", "without_item"), 0)
    with closing(open_client(data, context)) as reader:
        for part in _parts(rows):
            done = reader.execute(answer_review.ImportLabelsCommand(answer_review.LabelRows(rows=tuple(part))))
            total = {name: total[name] + done[name] for name in total}
    terminal_output.write_json(total)


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


def _labels(file: Path, rows: Sequence[dict[str, Any]]) -> Iterator[answer_review.LabelRow]:
    """The rows as labels. Raises BadRequest naming file and line."""
    for line, row in enumerate(rows, 2):
        try:
            given = {name: row[name] for name in answer_review.LabelRow.model_fields if row.get(name) is not None}
            yield answer_review.LabelRow(**({"verdict": None} if "verdict" in row else {}) | given)
        except BadRequest as problem:
            raise BadRequest(f"{file}: row {line}: {problem}") from None


def _parts(rows: Sequence[answer_review.LabelRow]) -> Iterator[Sequence[answer_review.LabelRow]]:
    """As many at a time as one order takes."""
    return (rows[at : at + MAX_LABELS_PER_COMMAND] for at in range(0, len(rows), MAX_LABELS_PER_COMMAND))
