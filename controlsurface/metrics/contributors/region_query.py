"""What is different about a region of a heatmap: values of dimensions inside of it, against all other rows drawn.

The method is that of Honeycomb's BubbleUp: share of each value inside, share outside, ranked by how far they differ.
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from controlsurface.errors import BadRequest
from controlsurface.metrics.contributors.contributor_query import MIN_SUPPORT_ROWS
from controlsurface.query.arguments import FilteredRange, Instant
from controlsurface.query.dimensions import DIMENSIONS
from controlsurface.query.statement import Statement, row_limit, where_clause, window_conditions

RegionColumn = Literal["confidence", "latency_ms"]
_COLUMNS: Mapping[RegionColumn, str] = {"confidence": "r.confidence", "latency_ms": "r.duration_ms"}
# What follows from a confidence by the threshold: it would come first and explain nothing.
_FOLLOWS: Mapping[RegionColumn, str] = {
    "confidence": "lane selected_lane escalation_kind escalation_reason selected_model answered_by provider "
    "requested_model cost_source reason gate confidence_kind",
    "latency_ms": "",
}


class RegionArgs(FilteredRange):
    """The rows that are drawn, and the region: from when to when, from which value to which."""

    column: RegionColumn = Field(description="what is drawn over time")
    low: float = Field(allow_inf_nan=False, description="the region's least value")
    high: float = Field(allow_inf_nan=False, description="its largest")
    region_start: Instant = Field(description="first moment of the region")
    region_end: Instant = Field(description="moment after its last")
    limit: int = Field(20, ge=1, le=200, description="values listed; the answer says how many there are")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        """Refuse a region that ends before it starts."""
        if self.high < self.low:
            raise BadRequest(f"high {self.high:g} lies below low {self.low:g}")
        if self.region_end < self.region_start:
            raise BadRequest(f"region_end {self.region_end.isoformat()} lies before region_start")
        return self


def region_dimensions(args: RegionArgs) -> list[str]:
    """What is looked at: every dimension but those that the filters fix, or that follow from the column."""
    fixed = {name for name, values in args.filters().items() if len(set(values)) == 1}
    dropped = fixed | {*_FOLLOWS[args.column].split()}
    return [name for name in DIMENSIONS["requests"] if name not in dropped]


def render_region(args: RegionArgs) -> Statement:
    """The statement whose rows are dimension (NULL: all rows), value, n and n_outside (stored), weight of both.

    Values with support: MIN_SUPPORT_ROWS rows inside and outside together.
    """
    found, parameters = window_conditions("requests", args)
    column, names = _COLUMNS[args.column], region_dimensions(args)
    inside = f"r.started_at >= $region_start AND r.started_at < $region_end AND {column} >= $low AND {column} <= $high"
    drawn = ",\n        ".join([*(f"r.{name}" for name in names), f"coalesce({inside}, FALSE) AS inside"])
    picked = " ".join(f"WHEN GROUPING({name}) = 0 THEN '{name}'" for name in names)
    values = " ".join(f"WHEN GROUPING({name}) = 0 THEN {name}" for name in names)
    sets = ", ".join(["()", *(f"({name})" for name in names)])
    sql = f"""WITH drawn AS (
    SELECT {drawn},
        r.sample_weight AS weight
    FROM requests AS r{where_clause([*found, f"{column} IS NOT NULL"])}
)
SELECT
    CASE {picked} END AS dimension,
    CASE {values} END AS value,
    count(*) FILTER (WHERE inside) AS n,
    count(*) FILTER (WHERE NOT inside) AS n_outside,
    CAST(coalesce(sum(weight) FILTER (WHERE inside), 0) AS DOUBLE) AS weight,
    CAST(coalesce(sum(weight) FILTER (WHERE NOT inside), 0) AS DOUBLE) AS weight_outside
FROM drawn
GROUP BY GROUPING SETS ({sets})
HAVING dimension IS NULL OR count(*) >= $support
ORDER BY dimension NULLS FIRST, value NULLS LAST
LIMIT $row_limit"""
    bounds: dict[str, Any] = {name: getattr(args, name) for name in ("region_start", "region_end", "low", "high")}
    return Statement(sql, parameters | bounds | {"support": MIN_SUPPORT_ROWS} | row_limit(), "contributors.region")
