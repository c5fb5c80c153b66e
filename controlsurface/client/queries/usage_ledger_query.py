"""The ledger of usage: every span that carries tokens or a cost, once: counted, explained, or unexplained."""

from dataclasses import dataclass
from typing import ClassVar

from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.client.result_columns import COUNT, FIGURE, INTEGER, TEXT, columns, list_of
from controlsurface.query.arguments import TimeRange
from controlsurface.query.statement import Statement

ENTRIES = COUNTED, EXPLAINED, UNEXPLAINED = "counted", "explained", "unexplained"

_LEDGER = """
SELECT
    entry,
    reason,
    count(span_id) AS spans,
    sum(input_tokens)::BIGINT AS input_tokens,
    sum(output_tokens)::BIGINT AS output_tokens,
    sum(cost_usd)::DOUBLE AS cost_usd,
    CASE WHEN entry = 'unexplained' THEN list(DISTINCT trace_hex(trace_id))[:5] ELSE [] END AS trace_ids
FROM (
    SELECT 'counted' AS entry, 'call' AS reason, span_id, trace_id, input_tokens, output_tokens, cost_usd
    FROM attempts WHERE has_usage AND {window}
    UNION ALL BY NAME
    SELECT
        if(explanation IS NULL, 'unexplained', 'explained') AS entry, coalesce(explanation, problem) AS reason,
        span_id, trace_id, input_tokens, output_tokens, cost_usd
    FROM uncounted_usage WHERE {window}
)
GROUP BY entry, reason
ORDER BY list_position(['counted', 'explained', 'unexplained'], entry), spans DESC, reason
"""


@dataclass(frozen=True, slots=True)
class UsageLedgerQuery(Query[Result]):
    """What became of spans with tokens or a cost.

    Rows: entry (counted, explained, unexplained), reason (call; wrapper, part, twin, cache; no_model,
    more_than_its_calls), spans, input_tokens, output_tokens, cost_usd (of calls as priced, of other spans as they say),
    trace_ids (up to five of the unexplained ones).
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/usage-ledger",
        "ledger",
        "Spans with tokens or a cost: counted as calls, explained, or unexplained",
        columns(
            entry=TEXT,
            reason=TEXT,
            spans=COUNT,
            trace_ids=list_of(TEXT),
            input_tokens=INTEGER,
            output_tokens=INTEGER,
            cost_usd=FIGURE,
        ),
        rows="entries",
    )
    arguments: TimeRange = TimeRange()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        asked = {"start": self.arguments.start, "end": self.arguments.end}
        given = {name: moment for name, moment in asked.items() if moment is not None}
        tests = [f"started_at {'>=' if name == 'start' else '<'} ${name}" for name in given]
        return Result(
            session.rows(Statement(_LEDGER.format(window=" AND ".join(tests) or "TRUE"), given, "usage.ledger"))
        )
