"""Closed weeks that were exported, and what changed in them since: a revision each, with its differences."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from controlsurface.client.arrow_tables import COUNT, MAYBE_OBJECT, MAYBE_TEXT, TEXT, TIME, as_dicts, columns
from controlsurface.client.query_protocol import Command, Query, ReadEndpoint, Result, StoreSession, WriteEndpoint
from controlsurface.errors import BadRequest, Conflict
from controlsurface.export.focus.charge_query import render_charges
from controlsurface.export.table_formats import as_json, json_row
from controlsurface.money.cost_attribution import (
    SUMMED_COLUMNS,
    AttributionArgs,
    Week,
    days_of,
    render_attribution,
    week_of,
    week_start,
)
from controlsurface.query.arguments import Arguments, Instant

EXPORTS_PATH = "/api/v1/exports"
UNASSIGNED_LABEL = "(unassigned)"
EXPORTED_SUM_COLUMNS = ("requests", *SUMMED_COLUMNS)

_SELECT_EXPORTS = """
SELECT week, "by", revision, exported_at, rows_sha256, totals, restates FROM weekly_exports
WHERE $week IS NULL OR week = $week
ORDER BY week DESC, revision DESC, exported_at DESC, "by"
"""
_INSERT_EXPORT = """
INSERT INTO weekly_exports
SELECT $week, $by, $revision, $at, $rows_sha256, $totals, $restates
WHERE NOT EXISTS (SELECT 1 FROM weekly_exports WHERE week = $week AND "by" = $by AND revision = $revision)
"""
_SELECT_REPRICED = """
SELECT revision AS price_revision, "at", edition, calls, usd_before AS before_usd, usd_after AS after_usd
FROM restatements
WHERE week = $week AND "at" > $since
ORDER BY revision
"""
_SELECT_RETAINED_SINCE = "SELECT max(gone_before) AS gone_before FROM retained WHERE kind = 'requests'"

Row = Mapping[str, Any]
Dataset = Literal["attribution", "focus"]


class ExportsArgs(Arguments):
    """Which exports are listed."""

    week: Week | None = Field(None, description="week, 2026-W47, or day, 2026-11-16; without: all of them")


class ExportedWeek(AttributionArgs):
    """A closed week that is exported, and the sum of its rows as the exporter saw them."""

    rows_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the rows as JSON")
    at: Instant = Field(description="when, RFC 3339")
    dataset: Dataset = Field("attribution", description="which rows: the attribution, or charges as FOCUS has them")

    @property
    def key(self) -> str:
        """What an export is of, beside its week: the dimensions, or `focus`."""
        return ",".join(dict.fromkeys(self.by)) if self.dataset == "attribution" else self.dataset


@dataclass(frozen=True, slots=True)
class WeeklyExports(Query[Result]):
    """Rows: week, by, revision, exported_at, rows_sha256, totals and restates (JSON), the newest week first."""

    endpoint: ClassVar = ReadEndpoint(
        EXPORTS_PATH,
        "exports",
        "Exports of closed weeks: each revision with its totals and what it restates",
        columns(
            week=TEXT, by=TEXT, revision=COUNT, exported_at=TIME, rows_sha256=TEXT, totals=TEXT, restates=MAYBE_TEXT
        ),
        rows="exports",
    )
    arguments: ExportsArgs = field(default_factory=ExportsArgs)

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_SELECT_EXPORTS, {"week": self.arguments.week}))


@dataclass(frozen=True, slots=True)
class RecordExport(Command):
    """Keep an export, unless these figures are kept already; what comes back is their revision."""

    endpoint: ClassVar = WriteEndpoint(
        EXPORTS_PATH,
        "revise",
        "Keep an export of a closed week, unless its figures are known; the answer is their revision",
        columns(revision=COUNT, exported_at=TIME, restates=MAYBE_OBJECT),
        role="viewer",
        status=200,
        problems=("409",),
    )
    body: ExportedWeek

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Revision, exported_at, restates (null for the first). The figures are those of the store, not the caller's.

        Raises Conflict where they are no longer the caller's, BadRequest for a week that is not over or partly gone.
        """
        args = AttributionArgs(week=self.body.week, by=self.body.by)
        _require_complete_week(session, args, self.body.at)
        rows = _attribution(session, args)
        exported = name_unassigned(rows, args.by) if self.body.dataset == "attribution" else _charges(session, args)
        if rows_checksum(exported) != self.body.rows_sha256:
            raise Conflict(f"calls of {args.week} arrived while it was read; try again")
        totals = json_row({name: exact_total(rows, name) for name in EXPORTED_SUM_COLUMNS})
        for _ in range(3):  # another exporter may be as quick
            kept = as_dicts(session.state(_SELECT_EXPORTS, {"week": args.week}))
            known = _latest_export(kept, self.body.key)
            if known and known["rows_sha256"] == self.body.rows_sha256:
                return _as_manifest(known)
            session.write([(_INSERT_EXPORT, self._row(session, totals, kept))])
        raise Conflict(f"{args.week} is being exported by others; try again")

    def _row(self, session: StoreSession, totals: Row, kept: list[dict[str, Any]]) -> dict[str, Any]:
        """What is kept of figures that are not known yet."""
        own = _latest_export(kept, self.body.key)
        later = [each for each in kept if own is None or each["revision"] > own["revision"]]
        same = [each for each in later if orjson.loads(each["totals"]) == totals]  # by other dimensions
        before = own or (kept[0] if kept and not same else None)
        newest = max((each["revision"] for each in kept), default=0)
        restates = _restatement(before, totals) | _repriced_since(session, before) if before else None
        return {
            "week": self.body.week,
            "by": self.body.key,
            "revision": same[0]["revision"] if same else newest + 1,
            "at": self.body.at,
            "rows_sha256": self.body.rows_sha256,
            "totals": orjson.dumps(totals).decode(),
            "restates": orjson.dumps(restates).decode() if restates else None,
        }


def rows_checksum(rows: pa.Table) -> str:
    """SHA-256 of rows as they are exported, whatever the form of the file."""
    return hashlib.sha256(as_json(rows)).hexdigest()


def name_unassigned(rows: pa.Table, by: tuple[str, ...]) -> pa.Table:
    """The rows as they are exported: what belongs to nobody has a name, too."""
    for name in dict.fromkeys(by):
        filled = pc.if_else(pc.is_null(rows.column(name)), UNASSIGNED_LABEL, rows.column(name))
        rows = rows.set_column(rows.column_names.index(name), name, filled)
    return rows.drop_columns("last_at")


def exact_total(rows: pa.Table, name: str) -> Any:
    """The exact sum of a column; None where nothing is known.

    A group without calls owes nothing, and so says nothing about what calls of other groups cost.
    """
    pairs = [*zip(rows.column(name).to_pylist(), rows.column("attempts").to_pylist(), strict=True)]
    called = [(value, attempts) for value, attempts in pairs if attempts or name == "requests"]
    known = [value for value, _ in called or pairs if value is not None]
    return sum(known) if known else None


def describe_restatement(week: str, revision: Row) -> str:
    """What a restatement changed, on one line; empty for the first revision.

    >>> before = {"revision": 1, "exported_at": "2026-11-24T08:00:00Z", "differences": {"cost_usd": "0.25"}}
    >>> describe_restatement("2026-W47", {"revision": 2, "restates": before})
    '2026-W47 is revision 2: since revision 1 of 2026-11-24T08:00:00Z cost_usd +0.25'
    >>> describe_restatement("2026-W47", {"revision": 1, "restates": None})
    ''
    """
    before = revision["restates"]
    if not before:
        return ""
    moved = ", ".join(f"{name} {_signed_difference(by)}" for name, by in before["differences"].items())
    since = f"since revision {before['revision']} of {before['exported_at']}"
    editions = ", ".join(each["edition"] for each in before.get("repriced", ()))
    priced = f"; priced anew by {editions}" if editions else ""
    return f"{week} is revision {revision['revision']}: {since} {moved or 'parts moved within the same totals'}{priced}"


def _signed_difference(difference: object) -> str:
    return f"+{difference}" if not str(difference).startswith("-") else str(difference)


def _require_complete_week(session: StoreSession, args: AttributionArgs, at: datetime) -> None:
    """Refuse a week that still grows, and one of which not all is kept any more."""
    if not args.closed(at):
        raise BadRequest(f"week: {args.week} is not over")
    gone = session.state(_SELECT_RETAINED_SINCE).to_pylist()[0]["gone_before"]
    if gone is not None and gone > week_start(args.week):
        raise BadRequest(
            f"week: requests before {gone:%Y-%m-%d %H:%M} are gone ([retention] requests), "
            f"so {args.week} cannot be exported in full any more"
        )


def _attribution(session: StoreSession, args: AttributionArgs) -> pa.Table:
    """The rows of the week, on our own store."""
    statement = render_attribution(args)
    return statement.bounded(session.rows(statement))


def _charges(session: StoreSession, args: AttributionArgs) -> pa.Table:
    """The charges of the week's days, on our own store."""
    statements = [render_charges(day) for day in days_of(args)]
    return pa.concat_tables([each.bounded(session.rows(each)) for each in statements])


def _latest_export(kept: Iterable[Row], by: str) -> Row | None:
    """The newest export of a breakdown."""
    return max((each for each in kept if each["by"] == by), key=lambda each: int(each["revision"]), default=None)


def _restatement(before: Row, totals: Row) -> dict[str, Any]:
    """What an export changes of the one before."""
    old = orjson.loads(before["totals"])
    moved = {name: _difference(totals.get(name), old.get(name)) for name in EXPORTED_SUM_COLUMNS}
    return {
        "revision": before["revision"],
        "exported_at": _manifest_time(before["exported_at"]),
        "rows_sha256": before["rows_sha256"],
        "differences": {name: by for name, by in moved.items() if by is not None},
    }


def _repriced_since(session: StoreSession, before: Row) -> dict[str, Any]:
    """Orders to price anew that changed calls of the week (of a day: of its week) since an export."""
    asked = {"week": week_of(week_start(before["week"])), "since": before["exported_at"]}
    rows = as_dicts(session.state(_SELECT_REPRICED, asked))
    return {"repriced": [json_row(row) | {"at": _manifest_time(row["at"])} for row in rows]}


def _difference(now: Any, before: Any) -> Any:
    """How much a total grew, as totals are written; None where it did not."""
    if now == before:
        return None
    if isinstance(now, str) or isinstance(before, str):
        return json_row({"_usd": Decimal(now or 0) - Decimal(before or 0)})["_usd"]
    return (now or 0) - (before or 0)


def _as_manifest(row: Row) -> dict[str, Any]:
    """A kept export as a manifest has it."""
    return {
        "revision": row["revision"],
        "exported_at": _manifest_time(row["exported_at"]),
        "restates": orjson.loads(row["restates"]) if row["restates"] else None,
    }


def _manifest_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
