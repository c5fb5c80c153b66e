"""Several metrics in one statement, and counts, are the figures that are asked for one by one."""

from math import isclose
from typing import Any

import pytest

from controlsurface.errors import BadRequest
from controlsurface.metrics.asking import ask_bins, ask_counts, ask_several
from controlsurface.metrics.histogram import DistributionArgs
from controlsurface.metrics.query import QueryArgs
from controlsurface.metrics.several import CountsArgs, SeveralArgs
from controlsurface.reader import LocalReader

WINDOW: dict[str, Any] = {"start": "2026-01-03", "end": "2026-01-06", "where": ["tenant:acme", "tenant:"]}
METRICS = ("requests", "escalation_rate", "request_share", "cost_per_request", "escalation_rate_session")


@pytest.mark.parametrize("name", METRICS)
def test_several_metrics_are_each_what_it_is_alone(sampled: LocalReader, name: str) -> None:
    together = ask_several(sampled.rows, SeveralArgs(metrics=METRICS, by="task_type,lane", every="6h", **WINDOW))
    alone = sampled.query(QueryArgs(metric=name, by="task_type,lane", every="6h", **WINDOW)).rows
    found = {"value": name, "n": f"{name}_n", "low": f"{name}_low", "high": f"{name}_high"}
    assert alone.num_rows > 30
    for column, named in found.items():
        if column in alone.column_names:
            assert together[named].to_pylist() == pytest.approx(alone[column].to_pylist(), nan_ok=True)


def test_counts_are_what_the_share_divides(sampled: LocalReader) -> None:
    asked: dict[str, Any] = {"metric": "escalation_rate", "by": "task_type", "every": "1h", **WINDOW}
    counts = ask_counts(sampled.rows, CountsArgs(**asked)).to_pylist()
    shares = sampled.query(QueryArgs(**asked)).rows.to_pylist()
    for one, other in zip(counts, shares, strict=True):
        assert (one["bucket"], one["task_type"], one["rows"]) == (other["bucket"], other["task_type"], other["n"])
        assert other["value"] is None or isclose(one["k"] / one["n"], other["value"])
        assert one["rows"] == 0 or 1 <= one["effective"] <= one["rows"] + 1e-9


def test_bins_add_up_to_the_requests_with_a_latency(reader: LocalReader) -> None:
    bins = ask_bins(reader.rows, DistributionArgs(column="latency_ms", by="lane", every="1h", **WINDOW)).to_pylist()
    known = reader.query(QueryArgs(metric="latency_mean", by="lane", every="1h", **WINDOW)).rows.to_pylist()
    assert sum(row["n"] for row in bins) == sum(row["n"] for row in known)


@pytest.mark.parametrize(
    ("metrics", "problem"),
    [
        ("requests,attempts", "counted in different rows"),
        ("latency_p95", "a quantile is asked for alone, and so is latency_p95"),
        ("request", "did you mean 'requests'?"),
    ],
)
def test_what_cannot_be_asked_together_is_refused(metrics: str, problem: str) -> None:
    with pytest.raises(BadRequest) as refused:
        SeveralArgs(metrics=metrics)
    assert problem in str(refused.value)


def test_only_a_share_of_rows_has_counts(reader: LocalReader) -> None:
    for metric in ("cost", "cost_share", "latency_p95"):
        with pytest.raises(BadRequest, match="no share of rows"):
            ask_counts(reader.rows, CountsArgs(metric=metric))
