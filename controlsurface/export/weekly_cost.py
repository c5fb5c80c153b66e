"""The weekly cost attribution as a file, and the manifest that lies beside it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from controlsurface.blob_store import BlobStore
from controlsurface.client import Client
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.metric_queries import AttributionQuery
from controlsurface.config.cost_exports import CostFormat
from controlsurface.errors import Busy
from controlsurface.export.cost_workbook import as_workbook
from controlsurface.export.focus.charge_query import ChargesArgs, ChargesQuery
from controlsurface.export.focus.focus_columns import NOT_MET, FocusVersion, focus_metadata
from controlsurface.export.focus.focus_rows import DEFAULT_BILLING_ACCOUNT, ESTIMATE_NOTE, focus_table
from controlsurface.export.table_formats import FORMAT_WRITERS, ExportFormat, as_csv, json_row
from controlsurface.export.week_editions import price_book_of
from controlsurface.export.weekly_revisions import (
    EXPORTED_SUM_COLUMNS,
    Dataset,
    ExportedWeek,
    RecordExport,
    exact_total,
    name_unassigned,
    rows_checksum,
)
from controlsurface.money.cost_attribution import AttributionArgs, days_of

NO_PRICE_LABEL = "(no price)"
MANIFEST_SUFFIX = ".manifest.json"


@dataclass(frozen=True, slots=True)
class FocusOptions:
    """Of an export as FOCUS: the version of the specification, and the account that its charges are under."""

    version: FocusVersion = "1.4"
    account: str = DEFAULT_BILLING_ACCOUNT


FOCUS_DEFAULTS = FocusOptions()


@dataclass(frozen=True, slots=True)
class ExportFile:
    """Rows as they are exported, the file that they make, and what the manifest says of that kind of file."""

    name: str
    body: bytes
    rows: pa.Table
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CostExport:
    """A file and its manifest. Of a week that is over, both are the same bytes each time, until late spans come.

    Then the manifest has the next `revision`, and says what it `restates`: which one, and by how much totals differ.
    """

    name: str
    body: bytes
    manifest: bytes
    revision: Mapping[str, Any] | None = None
    rows: int = 0
    calls_without_cost: float = 0

    def write(self, place: BlobStore, folder: str = "") -> list[str]:
        """Put both there, the manifest last: where it is, the file is whole. Their names. Raises StoreError."""
        files = {f"{folder}{self.name}": self.body, f"{folder}{self.name}{MANIFEST_SUFFIX}": self.manifest}
        for name, content in files.items():
            place.write(name, content)
        return [*files]


def export_weekly_cost(
    reader: Client, args: AttributionArgs, form: CostFormat, now: datetime, focus: FocusOptions = FOCUS_DEFAULTS
) -> CostExport:
    """The attribution of a week in one form; that of a closed week is kept as exported.

    Raises Busy or Conflict where late calls of a closed week came in between, BadRequest where parts of it are gone.
    """
    if form == "focus":
        args = AttributionArgs(week=args.week)
    found = reader.run(AttributionQuery(args)).rows
    totals = _totals(reader, args)
    if args.closed(now) and any(exact_total(found, name) != totals.get(name) for name in EXPORTED_SUM_COLUMNS):
        raise Busy(f"calls of {args.week} arrived while it was read; try again")
    # A week that still runs has grown since.
    totals |= {name: exact_total(found, name) for name in EXPORTED_SUM_COLUMNS}
    sources = _sources(reader, args)
    unpriced = unpriced_calls(totals, sources)
    made = _focus_file(reader, args, focus) if form == "focus" else _table_file(args, form, found, totals, unpriced)
    dataset: Dataset = "focus" if form == "focus" else "attribution"
    revision = _revision(reader, args, dataset, made.rows, now) if args.closed(now) else None
    about = {
        "file": made.name,
        "sha256": hashlib.sha256(made.body).hexdigest(),
        "bytes": len(made.body),
        "rows": made.rows.num_rows,
        "by": args.by,
        "window": {"week": args.week, "start": args.window.start, "end": args.window.end, "closed": args.closed(now)},
        **(revision or {"revision": None}),
        "totals": json_row({name: value for name, value in totals.items() if name != "last_at"}),
        "unpriced": unpriced,
        "unassigned": {name: _unassigned(found, name) for name in args.by},
        "price_sources": sources,
        "price_book": price_book_of(reader, args.week),
        "data": {"last_call_at": totals.get("last_at")},
        **made.about,
    }
    manifest = orjson.dumps(about, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z) + b"\n"
    without = unpriced["attempts_without_cost"]
    return CostExport(made.name, made.body, manifest, revision, made.rows.num_rows, without)


def unpriced_calls(totals: Mapping[str, Any], sources: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Calls of which something is owed: those without any cost, and those whose cost leaves a part out."""
    missing = json_row({"attempts": (totals.get("billable_attempts") or 0) - (totals.get("priced_attempts") or 0)})
    without = sum(row["billable_attempts"] or 0 for row in sources if row["source"] == NO_PRICE_LABEL)
    return {"attempts_without_cost": without, "attempts_priced_in_part": missing["attempts"] - without}


def _table_file(
    args: AttributionArgs,
    form: ExportFormat | Literal["xlsx"],
    found: pa.Table,
    totals: Mapping[str, Any],
    unpriced: Mapping[str, Any],
) -> ExportFile:
    """The attribution as rows."""
    rows = name_unassigned(found, args.by)
    name = "-".join(["cost", args.week, *(["by", *args.by] if args.by else [])]) + f".{form}"
    if form != "xlsx":
        return ExportFile(name, FORMAT_WRITERS[form](rows), rows)
    sums = {each: totals.get(each) for each in EXPORTED_SUM_COLUMNS}
    return ExportFile(name, as_workbook(args, rows, sums, unpriced), rows)


def _focus_file(reader: Client, args: AttributionArgs, focus: FocusOptions) -> ExportFile:
    """The week's priced calls as FOCUS charges; a day at a time, so that no week is too large for an answer."""
    days = [(day, reader.run(ChargesQuery(ChargesArgs(day=day))).rows) for day in days_of(args)]
    charges = pa.concat_tables([rows for _, rows in days])
    table = focus_table(((day, as_dicts(rows)) for day, rows in days), focus.version, focus.account)
    about = {
        "focus": {
            "version": focus.version,
            "estimate": ESTIMATE_NOTE,
            "not_met": NOT_MET,
            "rows_without_provider": charges.column("provider").null_count,
            "metadata": focus_metadata(focus.version),
        }
    }
    return ExportFile(f"focus-{focus.version}-{args.week}.csv", as_csv(table), charges, about)


def _revision(
    reader: Client, args: AttributionArgs, dataset: Dataset, rows: pa.Table, now: datetime
) -> Mapping[str, Any]:
    """Which revision of the week these rows are."""
    week = ExportedWeek(week=args.week, by=args.by, rows_sha256=rows_checksum(rows), at=now, dataset=dataset)
    return reader.execute(RecordExport(week))


def _totals(reader: Client, args: AttributionArgs) -> dict[str, Any]:
    """The one row of the whole week; nothing where it has none."""
    rows = as_dicts(reader.run(AttributionQuery(AttributionArgs(week=args.week))).rows)
    return dict(rows[0]) if rows else {}


def _unassigned(rows: pa.Table, name: str) -> dict[str, Any]:
    """Requests, calls and cost of those that have no such team, tenant, ..."""
    mine = rows.filter(pc.is_null(rows.column(name)))
    return json_row({each: exact_total(mine, each) for each in ("requests", "attempts", "cost_usd")})


def _sources(reader: Client, args: AttributionArgs) -> list[dict[str, Any]]:
    """Where the prices came from, and how much each source priced."""
    rows = as_dicts(reader.run(AttributionQuery(AttributionArgs(week=args.week, by=("cost_source",)))).rows)
    kept = ("attempts", "billable_attempts", "cost_usd")
    return [
        {"source": row["cost_source"] or NO_PRICE_LABEL} | json_row({name: row[name] for name in kept})
        for row in rows
        if row["attempts"]
    ]
