"""The weekly cost attribution as a file, and the manifest that lies beside it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from controlsurface.atomic_file import atomic_replacement
from controlsurface.client import Client
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.metric_queries import AttributionQuery
from controlsurface.errors import Busy
from controlsurface.export.table_formats import FORMAT_WRITERS, ExportFormat, json_row
from controlsurface.export.weekly_revisions import (
    EXPORTED_SUM_COLUMNS,
    ExportedWeek,
    RecordExport,
    exact_total,
    name_unassigned,
    rows_checksum,
)
from controlsurface.money.cost_attribution import AttributionArgs

NO_PRICE_LABEL = "(no price)"


@dataclass(frozen=True, slots=True)
class CostExport:
    """A file and its manifest. Of a week that is over, both are the same bytes each time, until late spans come.

    Then the manifest has the next `revision`, and says what it `restates`: which one, and by how much totals differ.
    """

    name: str
    body: bytes
    manifest: bytes
    revision: Mapping[str, Any] | None = None

    def write(self, folder: Path) -> list[Path]:
        """Put both into the folder; each is there whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {self.name: self.body, f"{self.name}.manifest.json": self.manifest}
        return [_write_atomically(folder / name, content) for name, content in files.items()]


def export_weekly_cost(reader: Client, args: AttributionArgs, form: ExportFormat, now: datetime) -> CostExport:
    """The attribution of a week in one form; that of a closed week is kept as exported.

    Raises Busy or Conflict where late calls of a closed week came in between, BadRequest where parts of it are gone.
    """
    found = reader.run(AttributionQuery(args)).rows
    totals = _totals(reader, args)
    if args.closed(now) and any(exact_total(found, name) != totals.get(name) for name in EXPORTED_SUM_COLUMNS):
        raise Busy(f"calls of {args.week} arrived while it was read; try again")
    # A week that still runs has grown since.
    totals |= {name: exact_total(found, name) for name in EXPORTED_SUM_COLUMNS}
    rows = name_unassigned(found, args.by)
    revision = _revision(reader, args, rows, now) if args.closed(now) else None
    body = FORMAT_WRITERS[form](rows)
    name = "-".join(["cost", args.week, *(["by", *args.by] if args.by else [])]) + f".{form}"
    about = {
        "file": name,
        "sha256": hashlib.sha256(body).hexdigest(),
        "bytes": len(body),
        "rows": rows.num_rows,
        "by": args.by,
        "window": {"week": args.week, "start": args.window.start, "end": args.window.end, "closed": args.closed(now)},
        **(revision or {"revision": None}),
        "totals": json_row({name: value for name, value in totals.items() if name != "last_at"}),
        "unassigned": {name: _unassigned(found, name) for name in args.by},
        "price_sources": _sources(reader, args),
        "data": {"last_call_at": totals.get("last_at")},
    }
    manifest = orjson.dumps(about, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z) + b"\n"
    return CostExport(name, body, manifest, revision)


def _revision(reader: Client, args: AttributionArgs, rows: pa.Table, now: datetime) -> Mapping[str, Any]:
    """Which revision of the week these rows are."""
    week = ExportedWeek(week=args.week, by=args.by, rows_sha256=rows_checksum(rows), at=now)
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


def _write_atomically(path: Path, content: bytes) -> Path:
    with atomic_replacement(path) as draft:
        draft.write_bytes(content)
    return path
