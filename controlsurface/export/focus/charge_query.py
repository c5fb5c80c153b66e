"""A day's calls as charges: what was metered for each kind of token, and what that cost."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from controlsurface.client.arrow_tables import MAYBE_TEXT, TEXT, column, columns
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.query.arguments import Arguments, FilteredRange
from controlsurface.query.statement import Statement, row_limit, window_conditions

CHARGE_KEYS = (
    *("provider", "model", "model_raw", "service_tier", "mode", "purpose", "lane", "task_type", "tenant", "team"),
    *("job", "environment", "service", "router", "router_version", "escalated", "cost_source", "unpriced_parts"),
)
INPUT, CACHE_READ, OUTPUT, ALL_TOKENS, CALLS = METERS = (
    "Input Tokens",
    "Cache Read Input Tokens",
    "Output Tokens",
    "Tokens",
    "Requests",
)
# The parts of a cost are known where a price list made it; a span's own cost is one sum, and so is its meter. What is
# written to a cache has no part of its own in the store and stands with the input.
_PARTS = {
    INPUT: ("input_tokens - cached_tokens", "cost_usd - output_usd - cached_usd", "parts"),
    CACHE_READ: ("cached_tokens", "cached_usd", "parts"),
    OUTPUT: ("output_tokens", "output_usd", "parts"),
    ALL_TOKENS: ("input_tokens + output_tokens", "cost_usd", "tokens"),
    CALLS: ("calls", "cost_usd", "calls"),
}
_METERED_AS = (
    "CASE WHEN coalesce(r.input_tokens, 0) + coalesce(r.output_tokens, 0) = 0 THEN 'calls' "
    "WHEN r.output_usd IS NULL OR r.cached_usd IS NULL THEN 'tokens' ELSE 'parts' END AS metered_as"
)
_SUMMED = ("input_tokens", "cached_tokens", "output_tokens", "cost_usd", "cached_usd", "output_usd", "calls")
_SUM = column(pa.float64(), nullable=True, minimum=0)


class ChargesArgs(Arguments):
    """Which day."""

    day: date = Field(description="a day in UTC, 2026-11-16", ge=date(1970, 1, 2), le=date(2199, 12, 30))


@dataclass(frozen=True, slots=True)
class ChargesQuery(Query[Result]):
    """Charges of a day: CHARGE_KEYS, meter, quantity and cost_usd as DECIMAL. Calls without a price are in none."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/attribution/charges",
        "charges",
        "A day's priced calls as charges by kind of token, as FOCUS has them",
        columns(
            **dict.fromkeys(CHARGE_KEYS, MAYBE_TEXT)
            | {"escalated": column(pa.bool_(), nullable=True), "meter": TEXT, "quantity": _SUM, "cost_usd": _SUM}
        ),
        rows="charges",
    )
    arguments: ChargesArgs

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        statement = render_charges(self.arguments.day)
        return Result(statement.bounded(session.rows(statement)))


def render_charges(day: date) -> Statement:
    """The statement whose rows are the charges of a day, in an order that is the same each time.

    The sum of cost_usd is that of the calls that have a price, to the last decimal: each call's cost is on its meters
    once. Figures are weighted like the metrics.
    """
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found, parameters = window_conditions("attempts", FilteredRange(start=start, end=start + timedelta(days=1)))
    keys = ", ".join(CHARGE_KEYS)
    summed = ",\n        ".join(f"sum(weight * {name}) AS {name}" for name in _SUMMED)
    metered = ", ".join(f"('{meter}', '{metered_as}')" for meter, (_, _, metered_as) in _PARTS.items())
    sql = (
        f"WITH calls AS (\n    SELECT\n        {', '.join(f'r.{key}' for key in CHARGE_KEYS)},\n"
        f"        {', '.join(f'coalesce(r.{name}, 0) AS {name}' for name in _SUMMED if name != 'calls')}, 1 AS calls,\n"
        f"        CAST(r.sample_weight AS DECIMAL(18, 6)) AS weight,\n        {_METERED_AS}\n"
        f"    FROM attempts AS r\n    WHERE {' AND '.join([*found, 'r.cost_usd IS NOT NULL'])}\n),\n"
        f"sums AS (\n    SELECT\n        {keys}, metered_as,\n        {summed}\n    FROM calls\n    GROUP BY ALL\n),\n"
        f"metered AS (\n    SELECT\n        {keys}, meter,\n        {_by_meter(0)} AS quantity,\n"
        f"        {_by_meter(1)} AS cost_usd\n"
        f"    FROM sums JOIN (VALUES {metered}) AS m (meter, metered_as) USING (metered_as)\n)\n"
        f"SELECT {keys}, meter, quantity, cost_usd\nFROM metered\nWHERE quantity <> 0 OR cost_usd <> 0\n"
        f"ORDER BY {', '.join(f'{key} NULLS LAST' for key in CHARGE_KEYS)}, meter\nLIMIT $row_limit"
    )
    return Statement(sql, parameters | row_limit(), "attribution.focus")


def _by_meter(place: int) -> str:
    """Quantity or cost, whichever meter a row is of."""
    cases = " ".join(f"WHEN '{meter}' THEN {part[place]}" for meter, part in _PARTS.items())
    return f"CASE meter {cases} END"
