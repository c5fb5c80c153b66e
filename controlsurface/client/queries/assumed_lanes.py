"""The lanes that models are assumed to be in, because the configuration names none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from controlsurface.client.query_protocol import NO_ARGUMENTS, NoArguments, Query, ReadEndpoint, Result, StoreSession
from controlsurface.client.result_columns import FIGURE, MAYBE_TEXT, TEXT, columns
from controlsurface.lanes.price_inference import inferred_lanes_text

_ROWS = """
SELECT name AS model, any_value(lane) AS lane, CAST(min(usd_per_mtok) AS DOUBLE) AS usd_per_mtok
FROM assumed_lanes GROUP BY name HAVING bool_or(counted) OR any_value(lane) IS NOT NULL
ORDER BY lane DESC NULLS LAST, usd_per_mtok NULLS LAST, model
"""


@dataclass(frozen=True, slots=True)
class AssumedLanesQuery(Query[Result]):
    """Rows: model (as lanes name it), lane (null: unknown), usd_per_mtok (list price, three parts input, one output).

    No rows where the configuration names the lanes, or every call came with the router's own word.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/lanes/assumed",
        "assumed_lanes",
        "Lanes that models are assumed to be in, by list price, because the configuration names none",
        columns(model=TEXT, lane=MAYBE_TEXT, usd_per_mtok=FIGURE),
        rows="models",
    )
    arguments: NoArguments = NO_ARGUMENTS

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_ROWS))


def assumed_lanes_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """What is assumed, or that nothing can be, and what to do; empty where the lanes are known.

    >>> assumed_lanes_text([{"model": "gpt-5", "lane": None}])
    'no lane can be assumed for gpt-5: list prices show no clear gap; assign them'
    >>> assumed_lanes_text([])
    ''
    """
    lanes = {str(row["model"]): row["lane"] for row in rows}
    if any(lanes.values()):
        return f"lanes are assumed (by list price): {inferred_lanes_text(lanes)}; assign them"
    return f"no lane can be assumed for {', '.join(lanes)}: list prices show no clear gap; assign them" if lanes else ""
