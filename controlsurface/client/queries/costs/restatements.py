"""Weeks that were over and got other prices since: what a reprice changed of closed books."""

from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from controlsurface.client.arrow_tables import COUNT, TEXT, TIME, column, columns
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.money.cost_attribution import Week
from controlsurface.query.arguments import Arguments

_SELECT = """
SELECT week, revision, "at", edition, who, calls, usd_before, usd_after FROM restatements
WHERE $week IS NULL OR week = $week
ORDER BY week DESC, revision DESC
"""
_USD = column(pa.decimal128(38, 18))


class RestatementsArgs(Arguments):
    """Which weeks are listed."""

    week: Week | None = Field(None, description="ISO 8601 week in UTC, such as 2026-W47; without: all weeks")


@dataclass(frozen=True, slots=True)
class RestatementsQuery(Query[Result]):
    """Rows: week, revision (from 2 on), at, edition and who of the order, calls that changed, usd_before, usd_after.

    A week without a row stands as it was first priced: revision 1. Calls that come late change no row.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/restatements",
        "restatements",
        "Closed weeks whose calls were priced anew, and by how much that changed them",
        columns(
            week=TEXT,
            revision=COUNT,
            at=TIME,
            **dict.fromkeys(("edition", "who"), TEXT),
            calls=COUNT,
            **dict.fromkeys(("usd_before", "usd_after"), _USD),
        ),
    )
    arguments: RestatementsArgs = field(default_factory=RestatementsArgs)

    def run(self, session: StoreSession) -> Result:
        """From the store, the newest week first."""
        return Result(session.state(_SELECT, {"week": self.arguments.week}))
