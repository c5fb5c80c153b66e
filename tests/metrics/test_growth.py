"""Slopes from sums are those of least squares, and find the growth that the demo plants."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.demo.demo_company import DemoSettings
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.demo.demo_store import stored
from tests.stores import put

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_slope_and_its_interval_are_those_of_least_squares() -> None:
    random, store = np.random.default_rng(3), DuckStore.in_memory()
    days = random.uniform(0, 9, 200)
    tokens = (100 + 4 * days + random.normal(0, 20, 200)).round()
    put(store, [{"started_at": NOW + timedelta(days=d), "output_tokens": int(y)} for d, y in zip(days, tokens)])  # noqa: B905
    (row,) = LocalClient(store).run(MetricQuery(MetricArgs(metric="output_growth"))).rows.to_pylist()
    (slope, _), covariance = np.polyfit(days, tokens, 1, cov=True)
    assert row["value"] == pytest.approx(slope / tokens.mean(), rel=1e-5)
    assert (row["high"] - row["low"]) / 2 == pytest.approx(1.96 * covariance[0, 0] ** 0.5 / tokens.mean(), rel=1e-3)
    store.close()


def test_requests_of_one_moment_have_no_slope() -> None:
    store = DuckStore.in_memory()
    put(store, [{"started_at": NOW, "output_tokens": n} for n in (10, 20, 30)])
    (row,) = LocalClient(store).run(MetricQuery(MetricArgs(metric="output_growth"))).rows.to_pylist()
    assert (row["value"], row["low"], row["n"]) == (None, None, 3)
    store.close()


def test_the_growth_that_the_demo_plants_lies_in_the_interval() -> None:
    start = NOW - timedelta(days=14)
    store = stored(DemoSettings(1, "drift", rate=0.003, event_at=start), start, NOW)
    rows = LocalClient(store).run(MetricQuery(MetricArgs(metric="output_growth", by=["task_type"]))).rows.to_pylist()
    assert len(rows) == 8
    assert sum(row["low"] < 0.01 < row["high"] for row in rows) >= 7
    store.close()
