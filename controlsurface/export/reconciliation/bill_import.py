"""Bringing a bill into the store, in parts that fit a request; and the bills that are there."""

import getpass
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from controlsurface.client import Client
from controlsurface.client.arrow_tables import COUNT, FLAG, NUMBER, TEXT, TIME, column, columns
from controlsurface.client.query_protocol import Command, PlainQuery, ReadEndpoint, Result, StoreSession, WriteEndpoint
from controlsurface.errors import BadRequest
from controlsurface.export.reconciliation.bill_line import Bill, BillForm, LineKind
from controlsurface.query.arguments import Arguments, ArgumentText

MAX_LINES_PER_PART = 60  # so that a body stays under the server's bound, whatever the lines say
MAX_PARTS = 20_000
MAX_NOTE_CHARACTERS = 200
_DAY = column(pa.string(), format="date")
BILLS_PATH = "/api/v1/bills"

_INSERT_LINES = """
INSERT INTO bill_lines BY NAME
WITH brought AS (
    SELECT
        unnest(CAST($day AS DATE[])) AS day, unnest(CAST($provider AS VARCHAR[])) AS provider,
        unnest(CAST($model AS VARCHAR[])) AS model, unnest(CAST($kind AS VARCHAR[])) AS kind,
        unnest(CAST($amount_usd AS DECIMAL(38, 18)[])) AS amount_usd,
        unnest(CAST($input_tokens AS BIGINT[])) AS input_tokens,
        unnest(CAST($cached_tokens AS BIGINT[])) AS cached_tokens,
        unnest(CAST($output_tokens AS BIGINT[])) AS output_tokens,
        unnest(CAST($service_tier AS VARCHAR[])) AS service_tier, unnest(CAST($region AS VARCHAR[])) AS region,
        unnest(CAST($note AS VARCHAR[])) AS note
)
SELECT $bill AS bill, $part AS part, $parts AS parts, $file AS file, $form AS form, $account AS account,
    $imported_at AS imported_at, $imported_by AS imported_by, brought.*
FROM brought
WHERE NOT EXISTS (SELECT 1 FROM bill_lines WHERE bill = $bill AND account = $account AND part = $part)"""
_COUNT_PARTS = "SELECT count(DISTINCT part) AS n FROM bill_lines WHERE bill = $bill AND account = $account"
_SELECT_BILLS = """
SELECT bill, any_value(file) AS file, any_value(form) AS form, account, max(imported_at) AS imported_at,
    any_value(imported_by) AS imported_by, count(*) AS lines, CAST(min(day) AS VARCHAR) AS first_day,
    CAST(max(day) AS VARCHAR) AS last_day,
    string_agg(DISTINCT provider, ', ' ORDER BY provider) AS providers, sum(amount_usd) AS amount_usd,
    count(DISTINCT part) = max(parts) AS complete
FROM bill_lines
GROUP BY bill, account
ORDER BY imported_at DESC, bill"""


class BillLineRow(Arguments):
    """One line, as a part of a bill carries it."""

    day: date = Field(description="day in UTC")
    provider: ArgumentText = Field(min_length=1, description="who charges")
    model: ArgumentText | None = Field(None, description="as the bill names it; null: of no single model")
    kind: LineKind = Field("usage", description="what the charge is for")
    amount_usd: Decimal = Field(max_digits=30, decimal_places=18, description="US dollars, as text or number")
    input_tokens: int | None = Field(None, ge=0, lt=1 << 62, description="input tokens, cached ones included")
    cached_tokens: int | None = Field(None, ge=0, lt=1 << 62, description="input tokens from the provider's cache")
    output_tokens: int | None = Field(None, ge=0, lt=1 << 62, description="output tokens")
    service_tier: ArgumentText | None = Field(None, description="service tier, where the bill says one")
    region: ArgumentText | None = Field(None, description="region, where the bill says one")
    note: ArgumentText | None = Field(None, description="what the bill calls it")


class BillPart(Arguments):
    """A part of a bill; the bill counts once all of its parts are here."""

    bill: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the file")
    file: ArgumentText = Field(min_length=1, description="its name")
    form: BillForm = Field(description="what kind of bill")
    account: ArgumentText = Field("", description="which of our accounts with the provider; empty: there is one")
    part: int = Field(ge=0, lt=MAX_PARTS, description="which part, from 0")
    parts: int = Field(ge=1, le=MAX_PARTS, description="how many there are")
    imported_by: ArgumentText = Field("", description="who imports it")
    lines: tuple[BillLineRow, ...] = Field(min_length=1, max_length=MAX_LINES_PER_PART, description="lines")


@dataclass(frozen=True, slots=True)
class ImportBillPart(Command):
    """Keep a part of a bill; one that is here already changes nothing."""

    endpoint: ClassVar = WriteEndpoint(
        BILLS_PATH,
        "import_bill",
        "Import a part of a provider's bill",
        columns(parts_kept=COUNT, complete=FLAG),
        author="imported_by",
        status=200,
    )
    body: BillPart

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """parts_kept, complete."""
        body = self.body
        if body.part >= body.parts:
            raise BadRequest(f"part: {body.part} of {body.parts}; the first one is 0")
        facts = body.model_dump(exclude={"lines"}) | {"imported_at": datetime.now(UTC)}
        rows = {name: [getattr(line, name) for line in body.lines] for name in BillLineRow.model_fields}
        session.write([(_INSERT_LINES, facts | rows)])
        kept = session.state(_COUNT_PARTS, {"bill": body.bill, "account": body.account}).to_pylist()[0]["n"]
        return {"parts_kept": kept, "complete": kept == body.parts}


class BillsQuery(PlainQuery[Result]):
    """Imported bills, the latest first: file, form, account, lines, first_day, last_day, providers, amount_usd."""

    endpoint: ClassVar = ReadEndpoint(
        BILLS_PATH,
        "bills",
        "Bills of providers that were imported",
        columns(
            bill=TEXT,
            file=TEXT,
            form=TEXT,
            account=TEXT,
            imported_at=TIME,
            imported_by=TEXT,
            lines=COUNT,
            first_day=_DAY,
            last_day=_DAY,
            providers=TEXT,
            amount_usd=NUMBER,
            complete=FLAG,
        ),
        rows="bills",
    )

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_SELECT_BILLS))


def bill_parts(bill: Bill, body: bytes, account: str = "", who: str = "") -> Iterator[BillPart]:
    """The parts of a bill that was read from a file's bytes."""
    digest, lines = hashlib.sha256(body).hexdigest(), bill.lines
    cuts = range(0, len(lines), MAX_LINES_PER_PART)
    for number, first in enumerate(cuts):
        some = [_as_row(asdict(line)) for line in lines[first : first + MAX_LINES_PER_PART]]
        yield BillPart(
            bill=digest,
            file=bill.file,
            form=bill.form,
            account=account,
            part=number,
            parts=len(cuts),
            imported_by=who or getpass.getuser(),
            lines=tuple(some),
        )


def import_bill(reader: Client, bill: Bill, body: bytes, account: str = "", who: str = "") -> None:
    """All parts, one after the other; cut off anywhere, doing it again completes it."""
    for part in bill_parts(bill, body, account, who):
        reader.execute(ImportBillPart(part))


def _as_row(line: dict[str, Any]) -> BillLineRow:
    """A line that fits: exact to 18 decimals, its texts no longer than arguments may be."""
    amount: Decimal = line["amount_usd"]
    texts = {
        name: line[name] and line[name][:MAX_NOTE_CHARACTERS] for name in ("model", "note", "region", "service_tier")
    }
    return BillLineRow(**line | texts | {"amount_usd": amount.quantize(Decimal("1e-18"))})
