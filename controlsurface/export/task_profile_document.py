"""The task profile as a document: what people wrote, to be read back, and all of it as a table in Markdown."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa

from controlsurface.client.task_profile.profile_entry import STATED_FIELDS, TaskProfileEntry
from controlsurface.errors import BadRequest, did_you_mean
from controlsurface.export.table_formats import as_csv, unguard_formula
from controlsurface.formatting import format_count, format_ratio

DOCUMENT_FIELDS = ("task_type", *STATED_FIELDS)
Row = Mapping[str, Any]
_HEAD = (
    "Task type", "Requests", "Input tokens (P50, P95)", "Output", "Output tokens (P50, P95)", "Blast radius", "Lane",
    "Routing signal", "Escalation trigger", "Escalated", "Owner",
)  # fmt: skip


def stated_rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """What people wrote of each task type; what only traffic tells is left open, so that nobody reads it as said."""
    return [
        {name: None if name in row.get("from_traffic", ()) else row[name] for name in DOCUMENT_FIELDS} for row in rows
    ]


def stated_csv(rows: Iterable[Row]) -> bytes:
    """The same as CSV, for `read_profiles`."""
    return as_csv(pa.Table.from_pylist(stated_rows(rows), pa.schema([(name, pa.string()) for name in DOCUMENT_FIELDS])))


def changed_entries(entries: Iterable[TaskProfileEntry], rows: Iterable[Row]) -> list[TaskProfileEntry]:
    """The entries that say something else than these rows do."""
    nothing = dict.fromkeys(STATED_FIELDS)
    known = {row["task_type"]: {name: row[name] for name in STATED_FIELDS} for row in stated_rows(rows)}
    return [each for each in entries if each.model_dump(include={*STATED_FIELDS}) != known.get(each.task_type, nothing)]


def read_profiles(content: bytes, name: str) -> list[TaskProfileEntry]:
    """A CSV file, or a JSON list of objects, as entries. Raises BadRequest with the row of what cannot be one."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise BadRequest(f"{name}: no UTF-8: {problem}") from None
    rows = _json_rows(text, name) if text.lstrip().startswith(("[", "{")) else _csv_rows(text, name)
    if not rows:
        raise BadRequest(f"{name}: no rows; the columns are {', '.join(DOCUMENT_FIELDS)}")
    return [_entry(row, f"{name}: row {number}") for number, row in enumerate(rows, 1)]


def _json_rows(text: str, name: str) -> list[Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as problem:
        raise BadRequest(f"{name}: no JSON: {problem}") from None
    return found if isinstance(found, list) else [found]


def _csv_rows(text: str, name: str) -> list[Any]:
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as problem:
        raise BadRequest(f"{name}: no CSV: {problem}") from None
    return [
        {key: unguard_formula(each) if isinstance(each, str) else each for key, each in row.items()} for row in rows
    ]


def _entry(row: Any, place: str) -> TaskProfileEntry:
    if not isinstance(row, dict):
        raise BadRequest(f"{place}: no object; write {{'task_type': ...}}")
    for key in row:
        if key not in DOCUMENT_FIELDS:
            near = did_you_mean(str(key), DOCUMENT_FIELDS)
            what = f"no column named '{key}'{near}" if key is not None else "more cells than columns"
            raise BadRequest(f"{place}: {what}; the columns are {', '.join(DOCUMENT_FIELDS)}")
    try:
        return TaskProfileEntry.model_validate(row)
    except BadRequest as problem:
        raise BadRequest(f"{place}: {problem}") from None


def markdown_table(rows: Sequence[Row]) -> str:
    """All of it as a table in Markdown; what nobody wrote is marked."""
    lines = [_HEAD, ("---",) * len(_HEAD), *map(_cells, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    escalated = "unknown" if row["escalation_rate"] is None else format_ratio(row["escalation_rate"])
    tokens = {side: ", ".join(_count(row[f"{side}_{end}"]) for end in ("p50", "p95")) for side in ("input", "output")}
    said = {name: _said(row, name) for name in STATED_FIELDS}
    return (
        _cell(row["task_type"]), format_count(row["requests"]), tokens["input"], said["output"], tokens["output"],
        said["blast_radius"], said["tier"], said["routing_signal"], said["escalation_trigger"], escalated,
        said["owner"],
    )  # fmt: skip


def _said(row: Row, name: str) -> str:
    mark = " (from traffic)" if name in row["from_traffic"] else ""
    return f"{_cell(row[name])}{mark}" if row[name] else "not said"


def _count(value: float | None) -> str:
    return "unknown" if value is None else format_count(value)


def _cell(text: str) -> str:
    """Text that cannot end its cell, nor begin a tag."""
    one_line = " ".join(text.split()).replace("\\", "\\\\")
    return one_line.replace("|", "\\|").replace("<", "&lt;")
