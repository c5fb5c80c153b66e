"""Sampling: the same draw everywhere, stateless, in the shares a plan says, with its probability kept."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider

from controlsurface.audit.sampling import Sampler, draw, mark
from controlsurface.audit.sampling_plan import (
    CreatePlanCommand,
    LogSamplingCommand,
    SamplingArgs,
    SamplingPlanArgs,
    SamplingPlanQuery,
    SamplingQuery,
    allocate_probabilities,
)
from controlsurface.client import LocalClient, RemoteClient
from controlsurface.errors import BadRequest
from controlsurface.store.duckdb import DuckStore
from tests.audit.simulated_routers import world
from tests.audit.simulated_store import fill
from tests.serving import serving


@pytest.fixture(scope="module")
def filled() -> Iterator[DuckStore]:
    made, random = DuckStore.in_memory(), np.random.default_rng(1)
    fill(made, random, world(random, 900), "chat", np.zeros(900))
    fill(made, random, world(random, 100), "a/b", np.zeros(100), start=900)
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(filled: DuckStore) -> Iterator[RemoteClient]:
    with serving(LocalClient(filled)) as url:
        reader = RemoteClient(url)
        reader.execute(CreatePlanCommand(SamplingPlanArgs(rate=0.3)))
        yield reader
        reader.close()


def test_the_sampling_draw_is_the_stated_hash() -> None:
    digits = sha256(b"controlsurface.sampling:req-1").hexdigest()[:13]
    assert draw("req-1") == int(digits, 16) / 16**13


@given(st.text(max_size=50))
def test_the_sampling_draw_lies_between_zero_and_one(request_id: str) -> None:
    assert 0 <= draw(request_id) < 1


def test_the_client_and_the_server_decide_alike(server: RemoteClient) -> None:
    plan = server.run(SamplingPlanQuery())
    client = Sampler.of(json.dumps({**plan.facts, "strata": plan.rows.to_pylist()}))
    asked: list[tuple[str, str | None, float | None]] = [
        (f"r/{i} ü?", [None, "chat", "a/b", "new"][i % 4], [None, 0.05, 0.6, 1.0][i // 4 % 4]) for i in range(48)
    ]
    for request_id, task_type, confidence in asked:
        question = SamplingQuery(request_id, SamplingArgs(task_type=task_type, confidence=confidence))
        (told,) = server.run(question).rows.to_pylist()
        assert told == asdict(client.decide(request_id, task_type, confidence))


def test_sampled_requests_have_the_shares_of_the_plan(server: RemoteClient) -> None:
    plan = server.run(SamplingPlanQuery())
    client = Sampler.of({**plan.facts, "strata": plan.rows.to_pylist()})
    found = [client.decide(f"q{i}", "chat", 0.65) for i in range(20_000)]
    p = found[0].probability
    assert 0 < p < 1
    assert np.mean([each.sample for each in found]) == pytest.approx(p, abs=4 * (p * (1 - p) / 20_000) ** 0.5)


def test_a_sampling_decision_is_logged_once_with_its_probability(server: RemoteClient, filled: DuckStore) -> None:
    ids = [f"again-{i}" for i in range(20)]
    told = [server.execute(LogSamplingCommand(each, SamplingArgs())) for each in [*ids, *ids]]
    listed = "SELECT * FROM sampled_requests WHERE request_id LIKE 'again-%' ORDER BY request_id"
    kept = filled.state(listed).to_pylist()
    assert [row["request_id"] for row in kept] == sorted({row["request_id"] for row in told if row["sample"]})
    assert {row["probability"] for row in kept} == {0.3}
    assert {row["version"] for row in kept} == {1}


def test_the_client_needs_neither_server_nor_store() -> None:
    code = "import sys, controlsurface.audit.sampling; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"streamlit", "duckdb", "numpy", "pyarrow", "pydantic", "requests", "starlette"}
    assert heavy.isdisjoint(loaded)
    assert not [each for each in loaded if each.startswith("opentelemetry.sdk")]


def test_a_shadow_call_says_what_it_shadows() -> None:
    decision = Sampler(1, (), 0.25, {}).decide("r1")
    span: Any = TracerProvider().get_tracer("t").start_span("shadow")
    mark(span, decision)
    assert dict(span.attributes) == {
        "controlsurface.purpose": "shadow",
        "controlsurface.shadow.of": "r1",
        "controlsurface.sampling.probability": 0.25,
    }


def test_the_sampling_budget_above_the_floor_goes_by_the_root_of_volume() -> None:
    chances = allocate_probabilities(np.array([10_000.0, 100.0]), rate=0.1, floor=0.1)
    floor = 0.01 * np.array([10_000, 100])
    rest = chances * [10_000, 100] - floor
    assert rest[0] / rest[1] == pytest.approx(10)
    assert chances @ [10_000, 100] == pytest.approx(1010)


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=20), st.floats(0.001, 1), st.floats(0, 1))
def test_sampling_spends_the_budget_at_probabilities_up_to_one(volumes: list[int], rate: float, floor: float) -> None:
    n = np.array(volumes, dtype=float)
    chances = allocate_probabilities(n, rate, floor)
    assert (chances <= 1).all()
    assert (chances >= rate * floor * (1 - 1e-12)).all()
    assert chances @ n == pytest.approx(rate * n.sum())


def test_a_sampling_plan_without_traffic_is_refused(empty: LocalClient) -> None:
    with pytest.raises(BadRequest, match="no requests"):
        empty.execute(CreatePlanCommand(SamplingPlanArgs()))
