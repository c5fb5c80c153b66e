"""Several metrics in one statement, and counts, are the figures that are asked for one by one."""

from decimal import Decimal
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import BatchQuery, MetricQuery
from controlsurface.errors import UnknownName
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.batch_query import BatchArgs, query_passes
from controlsurface.metrics.queries.distribution_query import DistributionArgs
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.metrics.queries.query_runner import run_bins

WINDOW: dict[str, Any] = {"start": "2026-01-03", "end": "2026-01-06", "where": ["tenant:acme", "tenant:"]}
EVERY = [name for name, metric in CATALOG.items() if metric.source in {"requests", "attempts"}]


@pytest.mark.parametrize("asked", [{}, {"by": "task_type,lane"}, {"by": "lane", "every": "6h"}], ids=str)
def test_a_batch_query_gives_each_metric_as_it_is_alone(sampled: LocalClient, asked: dict[str, str]) -> None:
    for some in batched(EVERY):
        rows = sampled.run(BatchQuery(BatchArgs(metrics=some, **asked, **WINDOW))).rows.to_pylist()
        for name in some:
            alone = sampled.run(MetricQuery(MetricArgs(metric=name, **asked, **WINDOW))).rows.to_pylist()
            own = [{key: row[key] for key in alone[0]} for row in rows if row["metric"] == name]
            assert alone
            assert [*map(near, own)] == [*map(near, alone)]


def batched(names: list[str], size: int = 40) -> list[list[str]]:
    return [names[at : at + size] for at in range(0, len(names), size)]


def near(row: dict[str, Any]) -> dict[str, Any]:
    """Sums of floats differ in their last digits with the order of rows."""
    return {
        name: f"{round(value, 12):.9g}" if isinstance(value, float | Decimal) else value for name, value in row.items()
    }


def test_metrics_of_the_same_rows_are_read_in_one_pass() -> None:
    asked = BatchArgs(metrics="requests,latency_p50,cost,escalation_rate,latency_p95,escalation_rate_session")
    found = [[metric.id for metric in each.metrics] for each in query_passes(asked)]
    assert found == [
        ["requests", "escalation_rate"],
        ["latency_p50", "latency_p95"],
        ["cost"],
        ["escalation_rate_session"],
    ]


def test_bins_add_up_to_the_requests_with_a_latency(reader: LocalClient) -> None:
    bins = run_bins(reader.rows, DistributionArgs(column="latency_ms", by="lane", every="1h", **WINDOW)).to_pylist()
    known = reader.run(MetricQuery(MetricArgs(metric="latency_mean", by="lane", every="1h", **WINDOW))).rows.to_pylist()
    assert sum(row["n"] for row in bins) == sum(row["n"] for row in known)


def test_an_unknown_metric_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'requests'"):
        BatchArgs(metrics="cost,request")
