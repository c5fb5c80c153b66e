"""Every metric of the catalogue is complete, and answers on nothing and on plenty."""

import re
from typing import Any, get_args

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.metrics import counterfactual
from controlsurface.metrics.catalog import CATALOG, METRIC_GROUPS
from controlsurface.metrics.measures import DISTINCT_KEYS, MEASURES, SPREADS
from controlsurface.metrics.metric import Better, Metric, MetricKind, Unit
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.query.dimensions import DIMENSIONS
from controlsurface.store.duckdb import DuckStore

WORD = re.compile(r"(sum|total|whole|distinct|quantile)\((\w+)")
every_metric = pytest.mark.parametrize("metric", CATALOG.values(), ids=CATALOG)


def test_the_id_of_a_metric_is_unique() -> None:
    assert len(CATALOG) == sum(map(len, METRIC_GROUPS.values()))


@every_metric
def test_a_metric_says_what_it_is(metric: Metric) -> None:
    assert re.fullmatch(r"[A-Z].*\.", metric.help)
    assert metric.unit in get_args(Unit)
    assert metric.better in get_args(Better)
    assert metric.kind in get_args(MetricKind)


@every_metric
def test_a_formula_uses_only_what_its_source_measures(metric: Metric) -> None:
    words: dict[str, Any] = {
        "sum": MEASURES,
        "total": MEASURES,
        "whole": MEASURES,
        "distinct": DISTINCT_KEYS,
        "quantile": SPREADS,
    }
    for word, name in WORD.findall(metric.sql):
        assert name in words[word][metric.source] or name in counterfactual.DERIVED_MEASURES


def test_every_measure_and_key_is_used() -> None:
    used = {(m.source, name) for m in CATALOG.values() for _, name in WORD.findall(f"{m.sql} {m.priced} {m.error}")}
    used |= {("requests", name) for name in counterfactual.READ_COLUMNS}
    for source in DIMENSIONS:
        assert {name for name in (*MEASURES[source], *DISTINCT_KEYS[source]) if (source, name) not in used} == set()


def test_no_measure_hides_a_dimension() -> None:
    for source, dimensions in DIMENSIONS.items():
        assert not {*dimensions} & {*MEASURES[source], *SPREADS[source], *DISTINCT_KEYS[source], "bucket", "value", "n"}


def test_every_dimension_is_a_column(store: DuckStore) -> None:
    for source, dimensions in DIMENSIONS.items():
        assert {*dimensions} <= {*store.state(f"SELECT * FROM {source} LIMIT 0").column_names}


@every_metric
def test_a_metric_is_zero_or_unknown_on_an_empty_store(metric: Metric, empty: LocalClient) -> None:
    by = DIMENSIONS[metric.source][:1]
    assert empty.run(MetricQuery(MetricArgs(metric=metric.id, by=by, every="1h"))).rows.num_rows == 0
    (row,) = empty.run(MetricQuery(MetricArgs(metric=metric.id))).rows.to_pylist()
    counted = metric.kind == "distinct" or (metric.unit == "count" and metric.kind == "sum")
    assert row["value"] == (0 if counted else None)
    assert row["n"] == 0


@every_metric
def test_a_metric_is_known_and_within_its_interval_on_traffic(metric: Metric, reader: LocalClient) -> None:
    (row,) = reader.run(MetricQuery(MetricArgs(metric=metric.id))).rows.to_pylist()
    assert row["value"] >= 0 or metric.kind in {"slope", "difference"}
    assert row["n"] > 0
    if metric.kind == "ratio":
        assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1
    if metric.kind == "slope":
        assert row["low"] < row["value"] < row["high"]
    if metric.unit == "usd":
        assert 0 < row["priced_share"] < 1


@every_metric
def test_every_dimension_breaks_a_metric_down(metric: Metric, reader: LocalClient) -> None:
    names = DIMENSIONS[metric.source]
    for some in (names[i : i + 4] for i in range(0, len(names), 4)):
        rows = reader.run(MetricQuery(MetricArgs(metric=metric.id, by=some, every="7d"))).rows
        assert rows.column_names[:5][: len(some) + 1] == ["bucket", *some]
