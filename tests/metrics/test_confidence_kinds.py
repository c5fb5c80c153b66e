"""Kinds of confidence are never mixed, and each is judged in its own direction."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import BatchQuery, MetricQuery
from controlsurface.client.queries.request_list import RequestsArgs, RequestsQuery
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.contributors.contributor_query import ContributorsArgs, render_joint_sums
from controlsurface.metrics.queries.batch_query import BatchArgs
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

KINDS = ("probability", "score", "cosine", "entropy")
METRICS = ("confidence_below_threshold", "confidence_knife_edge", "threshold")


def traffic() -> list[dict[str, Any]]:
    rng = random.Random(11)
    rows = []
    for number in range(600):
        kind = rng.choice([*KINDS, None])
        scale = 3 if kind in {"score", "entropy"} else 1
        rows.append(
            {
                "request_id": f"q{number}",
                "confidence_kind": kind,
                "confidence": round(rng.random() * scale, 3) if kind else None,
                "threshold": rng.choice([None, 0.4, 0.75]) if kind else None,
                "task_type": rng.choice(["sql", "chat"]),
                "sample_weight": rng.choice([1.0, 5.0]),
            }
        )
    return rows


ROWS = traffic()


@pytest.fixture(scope="module")
def kinds() -> Iterator[LocalClient]:
    store = DuckStore.in_memory()
    put(store, ROWS)
    yield LocalClient(store)
    store.close()


def truth(metric: str, rows: list[dict[str, Any]]) -> float | None:
    """By hand: the share of weights, or their mean threshold."""
    if metric == "threshold":
        told = [(r["sample_weight"], r["threshold"]) for r in rows if r["threshold"] is not None]
    else:
        both = [r for r in rows if r["confidence"] is not None and r["threshold"] is not None]
        told = [(r["sample_weight"], float(meets(metric, r))) for r in both]
    weights = sum(weight for weight, _ in told)
    return sum(weight * value for weight, value in told) / weights if weights else None


def meets(metric: str, row: dict[str, Any]) -> bool:
    over: float = round(row["confidence"] - row["threshold"], 9)
    if metric == "confidence_knife_edge":
        return abs(over) <= 0.05
    return over > 0 if row["confidence_kind"] == "entropy" else over < 0


def of(kind: str) -> list[dict[str, Any]]:
    return [row for row in ROWS if row["confidence_kind"] == kind]


@pytest.mark.parametrize("metric", METRICS)
def test_each_confidence_kind_is_compared_with_its_threshold_in_its_direction(metric: str, kinds: LocalClient) -> None:
    rows = kinds.run(MetricQuery(MetricArgs(metric=metric, by="confidence_kind"))).rows.to_pylist()
    found = {row["confidence_kind"]: row["value"] for row in rows if row["confidence_kind"]}
    assert found == pytest.approx({kind: truth(metric, of(kind)) for kind in KINDS})


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_without_a_confidence_kind_is_that_of_probabilities(metric: str, kinds: LocalClient) -> None:
    (row,) = kinds.run(MetricQuery(MetricArgs(metric=metric))).rows.to_pylist()
    assert row["value"] == pytest.approx(truth(metric, of("probability")))
    assert "of probabilities" in CATALOG[metric].help


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("metric", METRICS)
def test_a_filter_by_kind_gives_that_kind_however_it_is_written(metric: str, kind: str, kinds: LocalClient) -> None:
    where = (f"confidence_kind:{kind}",)
    (alone,) = kinds.run(MetricQuery(MetricArgs(metric=metric, where=where))).rows.to_pylist()
    (among,) = kinds.run(BatchQuery(BatchArgs(metrics=(metric, "requests"), where=where))).rows.to_pylist()[:1]
    assert alone["value"] == among["value"] == pytest.approx(truth(metric, of(kind)))


def test_requests_near_their_threshold_are_ranked_on_one_scale(kinds: LocalClient) -> None:
    near = kinds.run(RequestsQuery(RequestsArgs(order="near_threshold", limit=40))).rows.to_pylist()
    assert {row["confidence_kind"] for row in near} == {"probability"}
    scored = RequestsArgs(order="near_threshold", limit=5, where=("confidence_kind:score",))
    distances = [abs(row["confidence"] - row["threshold"]) for row in kinds.run(RequestsQuery(scored)).rows.to_pylist()]
    every = [abs(r["confidence"] - r["threshold"]) for r in of("score") if r["threshold"] is not None]
    assert distances == pytest.approx(sorted(every)[:5])


def test_contributors_explain_the_confidence_kind_that_the_metric_is_of() -> None:
    window = {"start": "2026-01-02", "end": "2026-01-03", "baseline_start": "2026-01-01", "baseline_end": "2026-01-02"}
    asked = ContributorsArgs(metric="confidence_below_threshold", **window)
    assert "r.confidence_kind = 'probability'" in render_joint_sums(asked).sql
    by_kind = asked.model_copy(update={"where": ("confidence_kind:entropy",)})
    assert "r.confidence_kind = 'probability'" not in render_joint_sums(by_kind).sql
