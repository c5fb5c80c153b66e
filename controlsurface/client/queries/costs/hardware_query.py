"""What own hardware cost by lane, how busy it was, and what its idle time cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    MAYBE_TEXT,
    NUMBER,
    TEXT,
    TIME,
    as_dicts,
    column,
    column_table,
    columns,
    optional,
)
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.errors import BadRequest
from controlsurface.money.hardware_costs import hardware_rows, paid_hours
from controlsurface.money.price_book import PriceBook
from controlsurface.query.arguments import StepLength, WeekRange
from controlsurface.query.statement import MAX_ROWS, Statement, bounded, row_limit

_BOOK = "SELECT edition, prices FROM price_editions WHERE in_force"
_USED = """
SELECT
    hardware, coalesce(currency, 'USD') AS currency, {owner} AS lane, {bucket} AS bucket,
    count(*) AS calls,
    count(*) FILTER (duration_ms IS NULL) AS untimed,
    count(*) FILTER (price_edition IS DISTINCT FROM $edition) AS other_prices,
    CAST(sum(sample_weight * (coalesce(input_tokens, 0) + coalesce(output_tokens, 0))) AS BIGINT) AS tokens,
    sum(sample_weight * duration_ms) AS busy_ms,
    CAST(sum(CAST(sample_weight AS DECIMAL(18, 6)) * coalesce(cost_amount, cost_usd)) AS DECIMAL(38, 12)) AS amount,
    CAST(CASE WHEN count(*) FILTER (cost_amount IS NOT NULL AND cost_usd IS NULL) = 0
        THEN sum(CAST(sample_weight AS DECIMAL(18, 6)) * cost_usd) END AS DECIMAL(38, 12)) AS usd
FROM attempts
WHERE hardware IS NOT NULL AND started_at >= $start AND started_at < $end
GROUP BY ALL
LIMIT $row_limit
"""
_MONEY = column(pa.decimal128(38, 12), nullable=True)


class HardwareArgs(WeekRange):
    """When, and in which steps."""

    every: StepLength | None = Field(None, description="rows for each step of time, such as 1h; none: the whole window")


@dataclass(frozen=True, slots=True)
class HardwareQuery(Query[Result]):
    """Own hardware by lane, with a row for its idle time (lane null): costs of its rows add up to what was paid.

    Rows: bucket (with `every`), hardware, currency, lane, calls, untimed (calls of unknown duration, which have no
    cost), other_prices (calls that another edition of the price book priced), tokens, hours (of places, busy or idle),
    utilisation, amount (in `currency`) and cost_usd (null: a rate is missing), both also with the idle time in
    proportion of busy time, and amount per million tokens. A call counts where it begins. What is to come is not paid.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/hardware",
        "hardware",
        "What own hardware cost by lane, how busy it was and what its idle time cost",
        columns(
            bucket=optional(TIME),
            **dict.fromkeys(("hardware", "currency"), TEXT),
            lane=MAYBE_TEXT,
            **dict.fromkeys(("calls", "untimed", "other_prices"), COUNT),
            tokens=column(pa.int64(), nullable=True, minimum=0),
            hours=NUMBER,
            utilisation=FIGURE,
            **dict.fromkeys(("amount", "cost_usd", "amount_with_idle", "cost_usd_with_idle"), _MONEY),
            **dict.fromkeys(("per_mtok", "per_mtok_with_idle"), FIGURE),
        ),
    )
    arguments: HardwareArgs = HardwareArgs()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """By the price book in force: what was paid, beside what stored calls cost."""
        book, edition = _book_in_force(session)
        start, end = self.arguments.window
        buckets = list(_buckets(start, min(end, datetime.now(UTC)), self.arguments.every))
        used = _used_by_bucket(session, start, end, edition, self.arguments.every)
        rows = [
            {"bucket": low, **row}
            for low, high in buckets
            for row in hardware_rows(paid_hours(book, low, high), used.pop(low if self.arguments.every else None, ()))
        ]
        schema = self.endpoint.schema if self.arguments.every else self.endpoint.schema.remove(0)
        facts = {"start": start.isoformat(), "end": end.isoformat(), "edition": edition}
        return Result(bounded(column_table(rows, schema)), facts)


def hardware_by(session: StoreSession, dimension: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """The rows of the whole window by another column of calls in place of the lane, which is empty where unknown."""
    book, edition = _book_in_force(session)
    used = _used_by_bucket(session, start, end, edition, None, f"coalesce({dimension}, '')")
    return [*hardware_rows(paid_hours(book, start, max(start, min(end, datetime.now(UTC)))), used.get(None, ()))]


def _book_in_force(session: StoreSession) -> tuple[PriceBook, str | None]:
    """The price book and its edition; an empty one where none was ever read."""
    known = session.state(_BOOK).to_pylist()
    return (PriceBook.model_validate_json(known[0]["prices"]), known[0]["edition"]) if known else (PriceBook(), None)


def _used_by_bucket(
    session: StoreSession,
    start: datetime,
    end: datetime,
    edition: str | None,
    every: timedelta | None,
    owner: str = "lane",
) -> dict[datetime | None, list[dict[str, Any]]]:
    """What calls used, by the moments that buckets begin at; without `every` all at None."""
    bucket = "NULL" if every is None else "time_bucket(to_microseconds($step), started_at, TIMESTAMP '1970-01-01')"
    step = {} if every is None else {"step": every // timedelta(microseconds=1)}
    parameters = {"start": start, "end": end, "edition": edition} | step | row_limit()
    found: dict[datetime | None, list[dict[str, Any]]] = {}
    sql = _USED.format(bucket=bucket, owner=owner)
    for row in as_dicts(bounded(session.rows(Statement(sql, parameters, "hardware.used")))):
        at = row.pop("bucket")
        found.setdefault(None if at is None else max(start, at.astimezone(UTC)), []).append(row)
    return found


def _buckets(start: datetime, end: datetime, every: timedelta | None) -> Iterator[tuple[datetime, datetime]]:
    """From when to when each step lasts within the window; steps begin at multiples of their length from 1970."""
    if every is None:
        yield start, max(start, end)
        return
    if (end - start) / every > MAX_ROWS:
        raise BadRequest(f"the window has more than {MAX_ROWS:,} steps; take a longer every, or a narrower window")
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    low = start
    while low < end:
        high = min(epoch + ((low - epoch) // every + 1) * every, end)
        yield low, high
        low = high
