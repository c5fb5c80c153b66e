"""The weekly cost as a spreadsheet: a summary with charts, and the rows. The same rows give the same bytes.

Every text is written as text, so that none is run as a formula or followed as a link, whatever it begins with. Numbers
of a spreadsheet have 15 digits; the summary has the sums in all their digits beside them, as text.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from controlsurface.client.arrow_tables import as_dicts
from controlsurface.errors import BadRequest
from controlsurface.export.table_formats import exact_digits
from controlsurface.money.cost_attribution import AttributionArgs

MAX_CELL_CHARACTERS = 32_767  # of a cell, by the file format
MAX_BARS = 10  # of a chart; the rest is its last bar
OTHERS_LABEL = "(all others)"
SUMMARY_SHEET, ROWS_SHEET = "Summary", "Rows"
_CREATED = datetime(1980, 1, 1)  # noqa: DTZ001 - the first moment of a zip, which the format gives no zone
_AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_ROWS_OF_CHART = 16  # a chart's height in rows

Sums = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WorkbookFormats:
    """How cells look."""

    bold: Any
    count: Any
    money: Any
    share: Any


def as_workbook(args: AttributionArgs, rows: pa.Table, sums: Sums, unpriced: Sums) -> bytes:
    """XLSX: the sheets Summary and Rows. Raises BadRequest for a text that is longer than a cell may be."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, **_AS_TEXT}) as book:
        book.set_properties({"title": f"Cost of {args.week}", "created": _CREATED})
        formats = WorkbookFormats(
            book.add_format({"bold": True}),
            book.add_format({"num_format": "#,##0.######"}),
            book.add_format({"num_format": "$#,##0.00####"}),
            book.add_format({"num_format": "0.0%"}),
        )
        summary, sheet = book.add_worksheet(SUMMARY_SHEET), book.add_worksheet(ROWS_SHEET)
        line = _write_sums(summary, formats, args, sums, unpriced)
        _write_charts(book, summary, formats, args, rows, line)
        _write_rows(sheet, formats, rows)
    return out.getvalue()


def _write_sums(sheet: Worksheet, formats: WorkbookFormats, args: AttributionArgs, sums: Sums, unpriced: Sums) -> int:
    """The week, its sums and what has no price; the first line that is free."""
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 2, 24)
    sheet.write_string(0, 0, f"Cost of {args.week} (UTC), estimated from telemetry", formats.bold)
    for place, head in enumerate(("Sum", "Value", "All digits")):
        sheet.write_string(2, place, head, formats.bold)
    known = [*sums.items(), *unpriced.items()]
    for line, (name, value) in enumerate(known, 3):
        _write(sheet, line, 0, name)
        _write(sheet, line, 1, value, formats.money if name.endswith("_usd") else formats.count)
        _write(sheet, line, 2, "unknown" if value is None else exact_digits(Decimal(value)))
    note = "Calls without a cost are in no sum of cost_usd: what they cost is unknown, not zero."
    sheet.write_string(len(known) + 3, 0, note)
    return len(known) + 5


def _write_charts(
    book: xlsxwriter.Workbook,
    sheet: Worksheet,
    formats: WorkbookFormats,
    args: AttributionArgs,
    rows: pa.Table,
    line: int,
) -> None:
    """For each dimension its largest parts of the cost, and a chart of them."""
    for name in dict.fromkeys(args.by):
        parts = _largest_parts(rows, name)
        if not parts:
            continue
        sheet.write_string(line, 0, name, formats.bold)
        sheet.write_string(line, 1, "cost_usd", formats.bold)
        for place, (label, cost) in enumerate(parts, line + 1):
            _write(sheet, place, 0, label)
            _write(sheet, place, 1, cost, formats.money)
        chart = book.add_chart({"type": "bar"})
        first, last = line + 1, line + len(parts)
        chart.add_series(
            {
                "categories": [SUMMARY_SHEET, first, 0, last, 0],
                "values": [SUMMARY_SHEET, first, 1, last, 1],
                "name": "cost_usd",
            }
        )
        chart.set_title({"name": f"Cost by {name}"})
        chart.set_legend({"none": True})
        chart.set_y_axis({"reverse": True})
        sheet.insert_chart(line, 3, chart)
        line = max(last, line + _ROWS_OF_CHART) + 2


def _largest_parts(rows: pa.Table, name: str) -> list[tuple[str, Decimal]]:
    """The cost by value, the largest first, those behind them in one; values whose cost is unknown are left out."""
    sums: dict[str, Decimal] = {}
    for row in as_dicts(rows.select([name, "cost_usd"])):
        if row["cost_usd"] is not None:
            sums[row[name]] = sums.get(row[name], Decimal(0)) + row["cost_usd"]
    ranked = sorted(sums.items(), key=lambda part: (-part[1], part[0]))
    rest = ranked[MAX_BARS:]
    return [*ranked[:MAX_BARS], *([(OTHERS_LABEL, sum((cost for _, cost in rest), Decimal(0)))] if rest else [])]


def _write_rows(sheet: Worksheet, formats: WorkbookFormats, rows: pa.Table) -> None:
    """All rows under their names."""
    for place, name in enumerate(rows.column_names):
        sheet.write_string(0, place, name, formats.bold)
    by_column = [
        formats.money if name.endswith("_usd") else formats.share if name.endswith("_share") else formats.count
        for name in rows.column_names
    ]
    for line, row in enumerate(as_dicts(rows), 1):
        for place, value in enumerate(row.values()):
            _write(sheet, line, place, value, by_column[place])
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, rows.num_rows, rows.num_columns - 1)
    sheet.set_column(0, rows.num_columns - 1, 16)


def _write(sheet: Worksheet, line: int, place: int, value: object, form: object = None) -> None:
    """One cell; unknown is empty."""
    if isinstance(value, str):
        if len(value) > MAX_CELL_CHARACTERS:
            raise BadRequest(f"xlsx: a text has {len(value):,} characters, a cell {MAX_CELL_CHARACTERS:,}; take csv")
        sheet.write_string(line, place, value)
    elif value is not None:
        sheet.write_number(line, place, value, form)
