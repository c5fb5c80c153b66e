"""Sessions of sampled traffic count as often as the heaviest of their requests."""

import random
from collections import defaultdict
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.stores import put


def only(reader: LocalClient, metric: str, **more: Any) -> dict[str, Any]:
    (row,) = reader.run(MetricQuery(MetricArgs(metric=metric, **more))).rows.to_pylist()
    return dict(row)


def traffic(seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    weight = {f"s{number}": rng.choice([1.0, 2.0, 10.0]) for number in range(40)}
    rows = []
    for number in range(200):
        session = rng.choice([*weight, None])
        own = weight.get(session or "", 1.0)
        rows.append(
            {
                "request_id": f"q{number}",
                "session_id": session,
                "escalated": rng.choice([True, False, False, None]),
                "team": rng.choice(["a", "b"]),
                "sample_weight": own if rng.random() < 0.8 else 1.0,
            }
        )
    return rows


def heaviest(rows: list[dict[str, Any]]) -> float:
    found: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        if row["session_id"]:
            found[row["session_id"]] = max(found[row["session_id"]], row["sample_weight"])
    return sum(found.values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sessions_are_weighted_by_the_heaviest_of_their_requests(seed: int) -> None:
    store, rows = DuckStore.in_memory(), traffic(seed)
    put(store, rows)
    reader = LocalClient(store)
    figure = only(reader, "sessions")
    assert figure["value"] == pytest.approx(heaviest(rows))
    assert figure["n"] == len({row["session_id"] for row in rows} - {None})  # of which so many are stored
    known = [row for row in rows if row["escalated"] is not None]
    share = only(reader, "escalation_rate_session")
    assert share["value"] == pytest.approx(heaviest([r for r in known if r["escalated"]]) / heaviest(known))
    assert share["low"] < share["value"] < share["high"]
    by_team = {
        row["team"]: row["value"]
        for row in reader.run(MetricQuery(MetricArgs(metric="sessions", by="team"))).rows.to_pylist()
    }
    assert by_team == pytest.approx({team: heaviest([r for r in rows if r["team"] == team]) for team in "ab"})
    store.close()


def test_a_sampled_session_stands_for_its_weight() -> None:
    store = DuckStore.in_memory()
    put(store, [{"session_id": "s", "escalated": True, "sample_weight": 4.0}])
    assert only(LocalClient(store), "sessions")["value"] == 4
    store.close()
