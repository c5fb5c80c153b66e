"""A bill from a file: what kind it is, its lines, and what of it is left out."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.errors import BadBody, TooLarge
from controlsurface.export.reconciliation.bill_line import Bill, BillForm, BillLine, merge_lines
from controlsurface.export.reconciliation.bill_tables import BillMapping, TableRow, read_focus, read_mapped
from controlsurface.export.reconciliation.provider_bills import REPORT_READERS, UNCUT_WARNING, report_form

MAX_BILL_BYTES = 256 << 20
_FOCUS_COLUMNS = {"BilledCost", "ChargePeriodStart"}


def read_bill(name: str, body: bytes, mapping: BillMapping | None = None) -> Bill:
    """The bill in a file. Raises BadBody, naming the place, for what is no bill or cannot be read."""
    if len(body) > MAX_BILL_BYTES:
        raise TooLarge(f"{name}: a bill has at most {MAX_BILL_BYTES >> 20} MiB; cut it by days")
    if body[:4] == b"PAR1":
        return _focus(name, _parquet_rows(name, body))
    text = _decoded(name, body)
    if text.lstrip()[:1] in {"{", "["}:
        return _report(name, text)
    rows = csv.DictReader(io.StringIO(text, newline=""), dialect=_dialect(text))
    if mapping:
        return _made(name, "csv", read_mapped(rows, mapping, name))
    if {*(rows.fieldnames or ())} >= _FOCUS_COLUMNS:
        return _focus(name, rows)
    raise BadBody(f"{name}: no FOCUS columns; --mapping FILE says which columns hold day, amount and model")


def _report(name: str, text: str) -> Bill:
    """Pages of a provider's report; numbers keep their digits."""
    try:
        found = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError:
        try:
            found = [json.loads(line, parse_float=Decimal) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError as problem:
            raise BadBody(f"{name}: {problem}") from None
    pages: list[Mapping[str, Any]] = found if isinstance(found, list) else [found]
    if not all(isinstance(page, dict) for page in pages):
        raise BadBody(f"{name}: JSON, but no pages of a report")
    form = report_form(pages, name)
    more = (UNCUT_WARNING,) if pages and pages[-1].get("has_more") else ()
    try:
        return _made(name, "openai" if form == "openai" else "anthropic", REPORT_READERS[form](pages, name), more)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as problem:
        raise BadBody(f"{name}: not a report as {form} makes it: {problem!r}") from None


def _focus(name: str, rows: Iterable[TableRow]) -> Bill:
    return _made(name, "focus", read_focus(rows, name))


def _made(name: str, form: BillForm, lines: Iterable[BillLine | None], warnings: tuple[str, ...] = ()) -> Bill:
    """A bill of lines, of which None are about something else. Raises BadBody where nothing is left."""
    found = list(lines)
    ours = [line for line in found if line is not None]
    if not ours:
        raise BadBody(f"{name}: no line is about models; {len(found):,} are about something else")
    return Bill(name, form, merge_lines(ours), len(found) - len(ours), warnings)


def _parquet_rows(name: str, body: bytes) -> Iterator[TableRow]:
    """Rows with values as texts."""
    try:
        table = pq.read_table(io.BytesIO(body))
    except pa.ArrowException as problem:
        raise BadBody(f"{name}: {problem}") from None
    for row in as_dicts(table):
        yield {key: None if value is None else _text(value) for key, value in row.items()}


def _text(value: object) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _decoded(name: str, body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise BadBody(f"{name}: not UTF-8 at byte {problem.start:,}") from None


def _dialect(text: str) -> type[csv.Dialect]:
    """Commas, or semicolons where the first line has more of them."""
    head = text.split("\n", 1)[0]

    class Found(csv.excel):
        delimiter = max(",;\t", key=head.count)

    return Found
