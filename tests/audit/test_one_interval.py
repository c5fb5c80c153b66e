"""One figure has one interval, whoever is asked: a query, an audit, several metrics at once, a rule, the roll-up."""

from datetime import UTC, datetime, timedelta
from math import sqrt

import numpy as np
import pytest

from controlsurface.arrays import Floats
from controlsurface.audit.disagreement_query import DisagreementArgs, DisagreementQuery
from controlsurface.audit.statistics.weighted_estimate import estimate_share
from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import BatchQuery, MetricQuery
from controlsurface.metrics.queries import replay_query
from controlsurface.metrics.queries.batch_query import BatchArgs
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.audit.simulated_routers import NOW, world
from tests.audit.simulated_store import fill

Z = 1.959963984540054


@pytest.fixture(scope="module")
def unequal() -> DuckStore:
    """Two task types, shadowed more often where the router is unsure and lanes disagree more."""
    store, random = DuckStore.in_memory(), np.random.default_rng(8)
    for at, task in enumerate(("chat", "code")):
        made = world(random, 900)
        fill(store, random, made, task, np.where(made.confidence < NOW, 0.5, 0.04), start=at * 900)
    return store


def by_hand(rows: list[dict[str, object]]) -> tuple[float, float, float]:
    """Hajek's rate, and Wilson's interval on the smaller of two effective sizes, in plain Python."""
    pairs = [(1 / float(str(row["sampling_probability"])), row["disagrees"] is True) for row in rows]
    total = sum(w for w, _ in pairs)
    rate = sum(w for w, y in pairs if y) / total
    kish = total**2 / sum(w * w for w, _ in pairs)
    spread = sum((w * (y - rate)) ** 2 for w, y in pairs) / total**2
    n = min(rate * (1 - rate) / spread, kish * (1 + kish / 500))
    half, scale = Z * sqrt(rate * (1 - rate) / n + Z * Z / (4 * n * n)), 1 + Z * Z / n
    return rate, (rate + Z * Z / (2 * n) - half) / scale, (rate + Z * Z / (2 * n) + half) / scale


def test_a_query_and_an_estimate_give_one_rate_with_one_interval(unequal: DuckStore) -> None:
    reader = LocalClient(unequal)
    audits = {row["task_type"]: row for row in reader.run(DisagreementQuery(DisagreementArgs())).rows.to_pylist()}
    metrics = reader.run(MetricQuery(MetricArgs(metric="disagreement_rate", by=["task_type"]))).rows.to_pylist()
    assert len(metrics) == 2
    for row in metrics:
        name = row["task_type"]
        pairs = unequal.state("SELECT * FROM comparisons WHERE task_type = $t", {"t": name}).to_pylist()
        assert [row[each] for each in ("value", "low", "high")] == pytest.approx(by_hand(pairs), abs=1e-12)
        assert [audits[name][each] for each in ("value", "low", "high")] == pytest.approx(by_hand(pairs), abs=1e-12)


def test_a_batch_query_and_a_rule_give_the_interval_of_a_metric_query(unequal: DuckStore) -> None:
    reader, now = LocalClient(unequal), datetime(2026, 1, 2, tzinfo=UTC)
    (alone,) = reader.run(MetricQuery(MetricArgs(metric="disagreement_rate"))).rows.to_pylist()
    several = reader.run(BatchQuery(BatchArgs(metrics=["disagreement_rate", "comparisons"]))).rows.to_pylist()
    rule = replay_query.render_replay(
        ["disagreement_rate"], [], [], timedelta(days=2), replay_query.ReplayMoments(now, now, timedelta(days=1))
    )
    for row in (several[0], reader.rows(rule).to_pylist()[0]):
        assert [row[each] for each in ("value", "low", "high")] == pytest.approx(
            [alone[each] for each in ("value", "low", "high")]
        )


@pytest.mark.parametrize("values", [[0, 0, 0], [1, 1, 1], [0, 1, 1]])
def test_the_effective_sample_size_of_few_heavy_rows_is_at_most_that_of_kish(values: list[float]) -> None:
    weights: Floats = np.array([1.0, 1.0, 20.0])
    kish = weights.sum() ** 2 / (weights**2).sum()
    assert estimate_share(np.array(values, dtype=float), weights).effective <= kish * (1 + kish / 500)
