"""The weekly cost attribution as a file, and the manifest that lies beside it."""

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from controlsurface.errors import Busy
from controlsurface.export.tables import WRITERS, Format, plain
from controlsurface.money.attribution import ADDED, AttributionArgs
from controlsurface.reader import Reader
from controlsurface.reader.rows import records

UNASSIGNED = "(unassigned)"
NO_PRICE = "(no price)"


@dataclass(frozen=True, slots=True)
class Export:
    """A file and its manifest. Of a week that is over, both are the same bytes each time, until late spans come."""

    name: str
    body: bytes
    manifest: bytes

    def write(self, folder: Path) -> list[Path]:
        """Put both into the folder; each is there whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        files = {self.name: self.body, f"{self.name}.manifest.json": self.manifest}
        return [_placed(folder / name, content) for name, content in files.items()]


def export(reader: Reader, args: AttributionArgs, form: Format, now: datetime) -> Export:
    """The attribution of a week in one form. Raises Busy where late calls of a closed week came in between."""
    found = reader.attribution(args)
    totals = _totals(reader, args)
    if args.closed(now) and any(_sum(found, name) != totals.get(name) for name in ADDED):
        raise Busy(f"calls of {args.week} arrived while it was read; try again")
    totals |= {name: _sum(found, name) for name in ADDED}  # a week that still runs has grown since
    rows = named(found, args.by)
    body = WRITERS[form](rows)
    name = "-".join(["cost", args.week, *(["by", *args.by] if args.by else [])]) + f".{form}"
    about = {
        "file": name,
        "sha256": hashlib.sha256(body).hexdigest(),
        "bytes": len(body),
        "rows": rows.num_rows,
        "by": args.by,
        "window": {
            "week": args.week,
            "start": args.window.start,
            "end": args.window.end,
            "closed": args.closed(now),
        },
        "totals": plain({name: value for name, value in totals.items() if name != "last_at"}),
        "unassigned": {name: _unassigned(found, name) for name in args.by},
        "price_sources": _sources(reader, args),
        "data": {"last_call_at": totals.get("last_at")},
    }
    return Export(name, body, orjson.dumps(about, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z) + b"\n")


def named(rows: pa.Table, by: tuple[str, ...]) -> pa.Table:
    """The rows as they are exported: what belongs to nobody has a name, too."""
    for name in dict.fromkeys(by):
        named = pc.if_else(pc.is_null(rows.column(name)), UNASSIGNED, rows.column(name))
        rows = rows.set_column(rows.column_names.index(name), name, named)
    return rows.drop_columns("last_at")


def _totals(reader: Reader, args: AttributionArgs) -> dict[str, Any]:
    """The one row of the whole week; nothing where it has none."""
    rows = records(reader.attribution(AttributionArgs(week=args.week)))
    return dict(rows[0]) if rows else {}


def _sum(rows: pa.Table, name: str) -> Any:
    """The exact sum of a column; None where nothing is known."""
    known = [value for value in rows.column(name).to_pylist() if value is not None]
    return sum(known) if known else None


def _unassigned(rows: pa.Table, name: str) -> dict[str, Any]:
    """Requests, calls and cost of those that have no such team, tenant, ..."""
    mine = rows.filter(pc.is_null(rows.column(name)))
    return plain({each: _sum(mine, each) for each in ("requests", "attempts", "cost_usd")})


def _sources(reader: Reader, args: AttributionArgs) -> list[dict[str, Any]]:
    """Where the prices came from, and how much each source priced."""
    rows = records(reader.attribution(AttributionArgs(week=args.week, by=("cost_source",))))
    kept = ("attempts", "billable_attempts", "cost_usd")
    called = [row for row in rows if row["attempts"]]
    return [{"source": row["cost_source"] or NO_PRICE} | plain({name: row[name] for name in kept}) for row in called]


def _placed(path: Path, content: bytes) -> Path:
    """Write beside, then rename."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.replace(path)
    return path
