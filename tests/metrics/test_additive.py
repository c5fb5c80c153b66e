"""Figures that are sums add up over every breakdown, and equal plain sums over the rows they are made of."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from math import fsum, isclose
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

START = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 3
BY = ("task_type", "team", "lane", "router_version", "cache", "tenant")
SUMS = [each for each in CATALOG.values() if each.kind == "sum" and each.source in {"requests", "attempts"}]


def traffic(n: int, seed: int) -> list[dict[str, Any]]:
    """Requests of which some were answered by a cache, some failed, and some have no price."""
    rng = random.Random(seed)
    rows = []
    for number in range(n):
        cached = rng.random() < 0.3
        lane = "cache" if cached else rng.choice(["small", "large"])
        cost = 0 if cached else rng.choice([None, rng.randint(1, 900) / 1000])
        rows.append(
            {
                "request_id": f"q{number}",
                "started_at": (START + timedelta(hours=rng.random() * 24 * DAYS)).replace(tzinfo=None),
                "task_type": rng.choice(["sql", "chat", None]),
                "team": "cached-only" if cached and rng.random() < 0.5 else rng.choice(["a", "b", None]),
                "tenant": rng.choice(["t1", "t2"]),
                "router_version": rng.choice(["v1", "v2"]),
                "lane": lane,
                "escalated": lane == "large",
                "cache": rng.choice(["exact", "semantic"]) if cached else None,
                "cache_layers": "exact,selection" if cached else rng.choice([None, "component", "component,selection"]),
                "attempts": 0 if cached else rng.choice([1, 2]),
                "steps": rng.choice([1, 2, 3]),
                "failed": not cached and rng.random() < 0.1,
                "cost_usd": cost,
                "priced": cost is not None,
                "overhead_usd": rng.choice([None, 0.01]),
                "input_tokens": rng.choice([None, 100, 250]),
                "output_tokens": rng.choice([None, 10, 40]),
                "sample_weight": rng.choice([1.0, 1.0, 4.0]),
            }
        )
    return rows


def calls(n: int, seed: int) -> list[dict[str, Any]]:
    """Model calls of users and routers, priced and not."""
    rng = random.Random(seed)
    return [
        {
            "attempt_id": f"a{number}",
            "started_at": (START + timedelta(hours=rng.random() * 24 * DAYS)).replace(tzinfo=None),
            "purpose": rng.choice(["user", "user", "shadow", "classifier"]),
            "task_type": rng.choice(["sql", None]),
            "team": rng.choice(["a", "b", None]),
            "tenant": rng.choice(["t1", "t2"]),
            "router_version": rng.choice(["v1", None]),
            "lane": rng.choice(["small", "large", "unknown"]),
            "cost_usd": rng.choice([None, rng.randint(1, 900) / 1000]),
            "cache_saving_usd": rng.choice([None, 0.002]),
            "input_tokens": rng.choice([None, 120]),
            "cached_tokens": None,
            "output_tokens": rng.choice([None, 30]),
            "sample_weight": rng.choice([1.0, 4.0]),
        }
        for number in range(n)
    ]


REQUESTS = traffic(400, 7)


@pytest.fixture(scope="module")
def generated() -> Iterator[LocalClient]:
    store = DuckStore.in_memory()
    put(store, REQUESTS)
    put(store, calls(300, 8), "attempts")
    yield LocalClient(store)
    store.close()


def asked(reader: LocalClient, metric: str, **more: Any) -> list[dict[str, Any]]:
    return list(reader.run(MetricQuery(MetricArgs(metric=metric, **more))).rows.to_pylist())


def total(rows: list[dict[str, Any]]) -> float:
    return fsum(row["value"] or 0 for row in rows)


@pytest.mark.parametrize("metric", SUMS, ids=lambda metric: metric.id)
def test_an_additive_metric_is_the_sum_of_its_parts_in_every_breakdown(metric: Any, generated: LocalClient) -> None:
    (whole,) = asked(generated, metric.id)
    known = [name for name in BY if metric.source == "requests" or name != "cache"]
    for by in [*combinations(known, 1), *combinations(known[:3], 2)]:
        rows = asked(generated, metric.id, by=by)
        assert isclose(total(rows), whole["value"] or 0, rel_tol=1e-9, abs_tol=1e-12)
        assert sum(row["n"] for row in rows) == whole["n"]
    for every in ("6h", "1d"):
        assert isclose(total(asked(generated, metric.id, every=every)), whole["value"] or 0, rel_tol=1e-9)
        assert isclose(total(asked(generated, metric.id, every=every, by="team")), whole["value"] or 0, rel_tol=1e-9)


def test_a_saving_by_caches_is_the_mean_of_what_calls_answered_for_each_request_that_none_did() -> None:
    rows = traffic(150, 3)
    store = DuckStore.in_memory()
    put(store, rows)
    reader = LocalClient(store)
    called = [r for r in rows if r["cache"] is None and not r["failed"] and r["cost_usd"] is not None]
    price = fsum(r["sample_weight"] * r["cost_usd"] for r in called) / fsum(r["sample_weight"] for r in called)
    truth: defaultdict[str | None, float] = defaultdict(float)
    for row in rows:
        truth[row["team"]] += price * row["sample_weight"] * (row["cache"] is not None)
    found = {row["team"]: row["value"] for row in asked(reader, "cache_saving", by="team")}
    assert found == pytest.approx(dict(truth))
    assert truth["cached-only"] > 0  # a team that caches answer alone saves, too
    (whole,) = asked(reader, "cache_saving")
    assert (whole["value"], whole["n"]) == (pytest.approx(fsum(truth.values())), sum(bool(r["cache"]) for r in rows))
    store.close()


@pytest.mark.parametrize("layer", ["exact", "semantic", "component", "embedding", "selection"])
def test_cache_hits_by_layer_are_counted_beside_answers(layer: str, generated: LocalClient) -> None:
    (row,) = asked(generated, f"cache_layer_rate_{layer}")
    hits = [r for r in REQUESTS if layer in (r["cache_layers"] or "").split(",")]
    weights = fsum(r["sample_weight"] for r in REQUESTS)
    assert row["value"] == pytest.approx(fsum(r["sample_weight"] for r in hits) / weights)
    (answered,) = asked(generated, "cache_hit_rate")
    assert answered["value"] == pytest.approx(fsum(r["sample_weight"] for r in REQUESTS if r["cache"]) / weights)


def test_the_cache_hit_rates_by_kind_add_up_to_the_cache_hit_rate(generated: LocalClient) -> None:
    (whole,) = asked(generated, "cache_hit_rate")
    parts = [asked(generated, f"cache_hit_rate_{kind}")[0]["value"] for kind in ("exact", "semantic", "component")]
    assert fsum(parts) == pytest.approx(whole["value"])
