"""A filter bar is offered what there is, most frequent first, and told what it is not shown."""

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import DimensionsQuery
from controlsurface.errors import UnknownName
from controlsurface.metrics.queries.dimension_values import DimensionsArgs
from controlsurface.query.dimensions import DIMENSIONS


def test_dimension_values_come_most_frequent_first(reader: LocalClient) -> None:
    rows = reader.run(DimensionsQuery(DimensionsArgs(dimension=["tenant"]))).rows.to_pylist()
    counts = [row["n"] for row in rows]
    assert counts == sorted(counts, reverse=True)
    assert {row["value"] for row in rows} == {"acme", "globex", "initech", "umbrella", None}


def test_dimension_values_that_are_not_listed_are_counted(reader: LocalClient) -> None:
    rows = reader.run(DimensionsQuery(DimensionsArgs(dimension="tenant,lane", limit=2))).rows.to_pylist()
    assert [row["dimension"] for row in rows] == ["tenant", "tenant", "lane", "lane"]
    assert {(row["dimension"], row["distinct_values"]) for row in rows} == {("tenant", 5), ("lane", 4)}


def test_the_dimensions_query_without_a_name_lists_all_dimensions(reader: LocalClient) -> None:
    rows = reader.run(DimensionsQuery(DimensionsArgs(start="2026-01-05"))).rows.to_pylist()
    assert [*dict.fromkeys(row["dimension"] for row in rows)] == [*DIMENSIONS["requests"]]


def test_an_empty_store_has_no_dimension_values(empty: LocalClient) -> None:
    assert empty.run(DimensionsQuery(DimensionsArgs())).rows.num_rows == 0


def test_an_unknown_dimension_is_refused(reader: LocalClient) -> None:
    with pytest.raises(UnknownName, match="did you mean 'tenant'"):
        reader.run(DimensionsQuery(DimensionsArgs(dimension=["tenants"])))
