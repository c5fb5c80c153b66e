"""Which values a dimension has, most frequent first: what a filter bar offers."""

from pydantic import Field

from controlsurface.query.arguments import FilteredTimeRange, NameList
from controlsurface.query.dimensions import DIMENSIONS, dimension_column
from controlsurface.query.statement import Statement, where_clause, window_conditions


class DimensionValuesArgs(FilteredTimeRange):
    """Dimensions of requests, and how many values of each to list."""

    dimension: NameList = Field((), max_length=40, description="comma-separated or repeated; none: all of them")
    limit: int = Field(100, ge=1, le=1000, description="values listed of each dimension")


def render_dimension_values(args: DimensionValuesArgs) -> Statement:
    """The statement whose rows are dimension, value, n (weighted), distinct_values (how many, listed or not)."""
    found, parameters = window_conditions("requests", args)
    names = dict.fromkeys(dimension_column("requests", name) for name in args.dimension or DIMENSIONS["requests"])
    parts = [_counted(name, position, found) for position, name in enumerate(names)]
    rows = "\nUNION ALL\n".join(parts)
    order = "ORDER BY position, n DESC, value NULLS LAST"
    sql = f"SELECT dimension, value, n, distinct_values\nFROM (\n{rows}\n) AS listed\n{order}"
    return Statement(sql, parameters | {"value_limit": args.limit}, "dimensions.values")


def _counted(name: str, position: int, found: list[str]) -> str:
    """The values of one dimension."""
    return (
        f"    (SELECT {position} AS position, '{name}' AS dimension, r.{name} AS value, sum(r.sample_weight) AS n, "
        "count(*) OVER () AS distinct_values\n"
        f"    FROM requests AS r{where_clause(found)}\n    GROUP BY r.{name}\n"
        "    ORDER BY n DESC, value NULLS LAST\n    LIMIT $value_limit)"
    )
