"""Values of dimensions: which there are, for a filter bar, and which of them an answer tells apart from `(other)`."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from controlsurface.config.query_limits import OPEN_DIMENSIONS, OTHER_VALUE
from controlsurface.metrics.measures import measures_of
from controlsurface.metrics.rollups.measure_source import MeasureRequest, select_measures
from controlsurface.metrics.rollups.read_planner import RunStatement, plan_read
from controlsurface.query.arguments import FilteredRange, NameList
from controlsurface.query.dimensions import DIMENSIONS, dimension_column
from controlsurface.query.statement import Statement, where_clause, window_conditions


class DimensionsArgs(FilteredRange):
    """Dimensions of requests, and how many values of each to list."""

    dimension: NameList = Field((), max_length=40, description="comma-separated or repeated; none: all of them")
    limit: int = Field(100, ge=1, le=1000, description="values listed of each dimension")


def render_dimensions(args: DimensionsArgs) -> Statement:
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


MAX_TOP_VALUES = 2_000
TopCount = Annotated[int, Field(ge=1, le=MAX_TOP_VALUES)]
TOP_TEXT = "values of each dimension in by that are told apart, most frequent first; the rest is `(other)`; none: all"


def bound_dimensions(rows: RunStatement, wanted: MeasureRequest, most: int | None) -> MeasureRequest:
    """The same with at most `most` values of each dimension; as it is where none has more, or for None.

    Which ones follows from the rows of the whole window: the most frequent, of equals the first by name.
    """
    if most is None:
        return wanted
    listed = {name: largest_values(rows, wanted, name, most) for name in wanted.dimensions if name in OPEN_DIMENSIONS}
    return replace(wanted, listed={name: values for name, values in listed.items() if values is not None})


def largest_values(rows: RunStatement, wanted: MeasureRequest, name: str, most: int) -> tuple[str, ...] | None:
    """The most frequent values of a dimension; None where there are no more than that."""
    values, of = rank_values(rows, wanted, name, most)
    return values if of > len(values) else None


def rank_values(rows: RunStatement, wanted: MeasureRequest, name: str, most: int) -> tuple[tuple[str, ...], int]:
    """The most frequent values of a dimension, and how many there are in all."""
    counted = measures_of(wanted.source, {name, *wanted.window.filters()}).get("n")
    if counted is None:
        return (), 0
    asked = MeasureRequest(wanted.source, {"n": counted.value}, wanted.window, (name,), conditions=wanted.conditions)
    source, parameters = select_measures(asked, plan_read(rows, asked))
    sql = (
        f"WITH measures AS (\n{source}\n)\nSELECT {name} AS value, sum(n) AS n, count(*) OVER () AS of\nFROM measures\n"
        f"WHERE {name} <> '{OTHER_VALUE}'\nGROUP BY {name}\nORDER BY n DESC, value\nLIMIT {most}"
    )
    found = rows(Statement(sql, parameters, "plan.top", again=True)).to_pylist()  # each pass of an answer asks it
    return tuple(str(row["value"]) for row in found), int(found[0]["of"]) if found else 0
