"""Which editions of the price book priced the calls of a week, so that an export can say what its money rests on."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from controlsurface.client import Client
from controlsurface.client.arrow_tables import MAYBE_TEXT, as_dicts, column, columns
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.export.table_formats import json_row
from controlsurface.money.cost_attribution import AttributionArgs, Week
from controlsurface.query.arguments import Arguments
from controlsurface.query.statement import Statement, row_limit, window_conditions

_SUM = column(pa.float64(), nullable=True, minimum=0)


class EditionsArgs(Arguments):
    """Which week."""

    week: Week = Field(description="ISO 8601 week in UTC, such as 2026-W47, or a day, 2026-11-16")


@dataclass(frozen=True, slots=True)
class EditionsQuery(Query[Result]):
    """Rows: price_edition (null: stored before editions were kept), attempts, cost_usd."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/attribution/editions",
        "editions",
        "Editions of the price book that priced a week's calls",
        columns(price_edition=MAYBE_TEXT, attempts=_SUM, cost_usd=_SUM),
        rows="editions",
    )
    arguments: EditionsArgs

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        statement = render_editions(self.arguments.week)
        return Result(statement.bounded(session.rows(statement)))


def render_editions(week: str) -> Statement:
    """The statement whose rows are the editions of a week's priced calls."""
    found, parameters = window_conditions("attempts", AttributionArgs(week=week).window)
    weight = "CAST(r.sample_weight AS DECIMAL(18, 6))"
    sql = (
        f"SELECT r.price_edition, sum({weight}) AS attempts, sum({weight} * r.cost_usd) AS cost_usd\n"
        f"FROM attempts AS r\nWHERE {' AND '.join([*found, 'r.cost_usd IS NOT NULL'])}\n"
        "GROUP BY r.price_edition\nORDER BY r.price_edition NULLS LAST\nLIMIT $row_limit"
    )
    return Statement(sql, parameters | row_limit(), "attribution.editions")


def price_book_of(reader: Client, week: str) -> dict[str, Any]:
    """The part of a manifest: one fingerprint over all editions of the week, and how much each of them priced."""
    rows = [json_row(row) for row in as_dicts(reader.run(EditionsQuery(EditionsArgs(week=week))).rows)]
    names = [row["price_edition"] or "" for row in rows]
    one = names[0] if len(names) == 1 else blake2b("\n".join(names).encode(), digest_size=8).hexdigest()
    return {"fingerprint": (one or None) if names else None, "editions": rows}
