"""What requests take in the store, by a dimension, and what that costs."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field, model_validator

from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    FLAG,
    MAYBE_TEXT,
    NUMBER,
    as_dicts,
    column_table,
    columns,
)
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.errors import UnknownName
from controlsurface.money.control.storage_costs import StorageTerms, TableSize, storage_rows
from controlsurface.query.arguments import WeekRange
from controlsurface.query.dimensions import SHARED_DIMENSIONS, dimension_column
from controlsurface.query.statement import Statement, row_limit

_SQL = Path(__file__).with_name("storage.sql").read_text("utf-8")
_SIZES = " UNION ALL ".join(
    f"SELECT '{name}' AS name, nullif(table_bytes('{name}'), 0) AS stored, (SELECT count(*) FROM {name}) AS n"
    for name in ("spans", "requests", "attempts")
)


class StorageArgs(WeekRange):
    """When, and by what."""

    by: str = Field("", max_length=100, description="a dimension, such as task_type, lane, architecture; none: all")

    @model_validator(mode="after")
    def _known(self) -> "StorageArgs":
        if self.by and self.by not in SHARED_DIMENSIONS:
            raise UnknownName("dimension", self.by, SHARED_DIMENSIONS)
        return self


def render_storage(args: StorageArgs) -> Statement:
    """The statement whose rows are what each value has in the store; its text stands in `storage.sql`."""
    start, end = args.window
    column = f"r.{dimension_column('requests', args.by)}" if args.by else "CAST(NULL AS VARCHAR)"
    return Statement(_SQL.replace("$by", column), {"start": start, "end": end, **row_limit()}, "storage.query")


@dataclass(frozen=True, slots=True)
class StorageQuery(Query[Result]):
    """What the window's requests take in the store, by a dimension, the most first; rows add up to the whole.

    Rows: name, assigned (false: spans of traces without a request), requests and calls (stored rows), spans,
    span_bytes (as they are kept, before compression; prompts and answers are in them where content is stored),
    bytes_per_request; stored_bytes (by the blocks that hold each table: spans at the table's mean size, shared by
    their bytes; null where nothing is written out yet), stored_per_request; storage_usd for as long as the retention
    keeps them, and per million requests (null without control.storage_usd_per_gb_month). The journal is not in it.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/storage",
        "storage",
        "What requests take in the store, and what that costs",
        columns(
            name=MAYBE_TEXT,
            assigned=FLAG,
            **dict.fromkeys(("requests", "calls"), COUNT),
            **dict.fromkeys(("spans", "span_bytes"), NUMBER),
            **dict.fromkeys(
                "bytes_per_request stored_bytes stored_per_request storage_usd storage_usd_per_million".split(), FIGURE
            ),
        ),
        columns(spans_days=NUMBER, requests_days=NUMBER, usd_per_gb_month=FIGURE),
    )
    arguments: StorageArgs = StorageArgs()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From the spans of the window and the sizes of tables."""
        kept, price = session.config.retention, session.config.control.storage_usd_per_gb_month
        statement = render_storage(self.arguments)
        found = as_dicts(statement.bounded(session.rows(statement)))
        sizes = {row["name"]: TableSize(row["stored"], row["n"]) for row in as_dicts(session.state(_SIZES))}
        rows = storage_rows(found, sizes, StorageTerms(kept.spans, kept.requests, price))
        day = 86_400.0
        facts = {"spans_days": kept.spans.total_seconds() / day, "requests_days": kept.requests.total_seconds() / day}
        return Result(column_table(rows, self.endpoint.schema), facts | {"usd_per_gb_month": price})
