"""`controlsurface audit export` and `audit import`: labels as files, with their history, there and back."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
from pyarrow import csv, parquet

from controlsurface.audit import desk
from controlsurface.audit.desk.exchange import MOST
from controlsurface.cli import output
from controlsurface.cli.options import data_option, reader_of
from controlsurface.errors import BadBody, BadRequest
from controlsurface.export.tables import unguarded

_TEXTS = ("item_id", "reviewer", "verdict", "shown_left", "comment", "said_by")  # even where they look like numbers


@click.command("export")
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option("--reviewer", metavar="NAME", help="Only what NAME says.")
@data_option
@click.pass_context
def export(context: click.Context, form: str, reviewer: str | None, data: Path) -> None:
    """All labels and what their items are about; every revision, what was taken back included."""
    with closing(reader_of(data, context)) as reader:
        output.write_rows(reader.ask(desk.Labels(desk.LabelsArgs(reviewer=reviewer))).rows, form)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
@click.pass_context
def bring(context: click.Context, file: Path, data: Path) -> None:
    """Bring labels from FILE (CSV, Parquet) with at least item_id, reviewer and verdict. Twice is once."""
    rows = [*_labels(file, _table(file).to_pylist())]
    total = dict.fromkeys(("new", "known", "without_item"), 0)
    with closing(reader_of(data, context)) as reader:
        for part in _parts(rows):
            done = reader.do(desk.BringLabels(desk.LabelRows(rows=tuple(part))))
            total = {name: total[name] + done[name] for name in total}
    output.write_json(total)


def _table(file: Path) -> pa.Table:
    """The file's rows. Raises BadBody."""
    converting = csv.ConvertOptions(strings_can_be_null=True, column_types=dict.fromkeys(_TEXTS, pa.string()))
    parsing = csv.ParseOptions(newlines_in_values=True)
    try:
        if file.suffix == ".parquet":
            return parquet.read_table(file)
        return _as_said(csv.read_csv(file, parse_options=parsing, convert_options=converting))
    except pa.ArrowInvalid as problem:
        raise BadBody(f"{file}: {problem}") from None


def _as_said(table: pa.Table) -> pa.Table:
    """The rows with every text as it was before it was written for spreadsheets."""
    for place, name in enumerate(table.column_names):
        if pa.types.is_string(table.schema.field(name).type):
            texts = [text and unguarded(text) for text in table.column(name).to_pylist()]
            table = table.set_column(place, name, pa.array(texts, pa.string()))
    return table


def _labels(file: Path, rows: Sequence[dict[str, Any]]) -> Iterator[desk.LabelRow]:
    """The rows as labels. Raises BadRequest naming file and line."""
    for line, row in enumerate(rows, 2):
        try:
            given = {name: row[name] for name in desk.LabelRow.model_fields if row.get(name) is not None}
            yield desk.LabelRow(**({"verdict": None} if "verdict" in row else {}) | given)
        except BadRequest as problem:
            raise BadRequest(f"{file}: row {line}: {problem}") from None


def _parts(rows: Sequence[desk.LabelRow]) -> Iterator[Sequence[desk.LabelRow]]:
    """As many at a time as one order takes."""
    return (rows[at : at + MOST] for at in range(0, len(rows), MOST))
