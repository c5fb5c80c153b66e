"""What calls cost by the name that prices are looked up by, and what has no price."""

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from controlsurface.client.arrow_tables import COUNT, MAYBE_TEXT, TEXT, TIME, column, columns, list_of
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.query.arguments import WeekRange
from controlsurface.query.statement import Statement, row_limit

_CALLS = """
SELECT
    provider, model_raw AS model, service_tier,
    count(*) AS calls,
    count(cost_usd) AS priced,
    count(*) FILTER (cost_usd IS NULL AND input_tokens IS NULL AND output_tokens IS NULL) AS without_usage,
    count(unpriced_parts) AS partly,
    CAST(sum(input_tokens) FILTER (cost_usd IS NULL) AS BIGINT) AS unpriced_input_tokens,
    CAST(sum(output_tokens) FILTER (cost_usd IS NULL) AS BIGINT) AS unpriced_output_tokens,
    sum(cost_usd) AS cost_usd,
    coalesce(list_sort(list_distinct(list(cost_source) FILTER (cost_source IS NOT NULL))), []) AS sources,
    coalesce(list_sort(list_distinct(flatten(
        list(string_split(unpriced_parts, ',')) FILTER (unpriced_parts IS NOT NULL)
    ))), []) AS parts,
    count(DISTINCT price_edition) AS editions,
    max(started_at) AS last_at
FROM attempts
WHERE billable AND started_at >= $start AND started_at < $end
GROUP BY provider, model_raw, service_tier
ORDER BY count(*) - count(cost_usd) DESC, count(*) DESC, model, provider, service_tier
LIMIT $row_limit
"""


@dataclass(frozen=True, slots=True)
class CallPricesQuery(Query[Result]):
    """Billable calls by provider, model (as sent) and service tier, most without a price first.

    Rows: calls, priced (have a cost), without_usage (no price can price them: nobody knows their tokens), partly
    (priced without some parts), tokens of those without a cost, cost_usd of the others, sources and parts (what has no
    price), editions (how many price books priced them), last_at. Counts are of stored calls, not weighted.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/prices",
        "prices",
        "What calls cost by provider, model and service tier, and what has no price",
        columns(
            **dict.fromkeys(("provider", "model", "service_tier"), MAYBE_TEXT),
            **dict.fromkeys(("calls", "priced", "without_usage", "partly"), COUNT),
            **dict.fromkeys(
                ("unpriced_input_tokens", "unpriced_output_tokens"), column(pa.int64(), nullable=True, minimum=0)
            ),
            cost_usd=column(pa.decimal128(38, 12), nullable=True),
            **dict.fromkeys(("sources", "parts"), list_of(TEXT)),
            editions=COUNT,
            last_at=TIME,
        ),
    )
    arguments: WeekRange = WeekRange()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From the stored rows of the window, by itself a week up to now."""
        start, end = self.arguments.window
        asked = Statement(_CALLS, {"start": start, "end": end} | row_limit(), "prices.calls")
        return Result(session.rows(asked), {"start": start.isoformat(), "end": end.isoformat()})
