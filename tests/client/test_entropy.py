"""Operational entropy: paths, their evenness and branching, against plain Python over the same calls."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import log2
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from controlsurface.client import LocalClient
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.entropy_query import EntropyArgs, EntropyQuery, incident_rate
from controlsurface.client.queries.costs.incidents import IncidentBody, RecordIncident
from controlsurface.store.duckdb import DuckStore
from tests.ingest.loading import Loaded
from tests.ingest.spans import T0_NS, S, body, call, route

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
AT = datetime.fromtimestamp(T0_NS / 1e9, UTC)
DAY = {"start": NOON - timedelta(hours=1), "end": NOON + timedelta(hours=1)}


@dataclass(frozen=True)
class Call:
    """When it began and how long it took (ms), its lane and its purpose."""

    at: int
    length: int
    lane: str
    purpose: str


@dataclass(frozen=True)
class Asked:
    """A request, what it stands for, and its calls."""

    kind: str | None
    weight: float
    calls: list[Call]


CALLS = st.builds(
    Call,
    st.integers(0, 6),
    st.integers(0, 3),
    st.sampled_from(["small", "large", "unknown"]),
    st.sampled_from(["user", "user", "user", "classifier", "shadow"]),
)
TRAFFIC = st.lists(
    st.builds(Asked, st.sampled_from(["chat", "sql", None]), st.sampled_from([1.0, 4.0]), st.lists(CALLS, max_size=5)),
    min_size=1,
    max_size=12,
)


def path(calls: list[Call]) -> tuple[str, ...]:
    """The steps in order; calls that overlap are one step."""
    turns: list[list[str]] = []
    until = None
    for each in sorted((each for each in calls if each.purpose != "shadow"), key=lambda each: each.at):
        if until is None or each.at >= until:
            turns.append([])
        turns[-1].append(each.lane if each.purpose == "user" else each.purpose)
        until = max(until or 0, each.at + each.length)
    return tuple(" + ".join(sorted(turn)) for turn in turns)


def figures(asked: list[Asked]) -> dict[str, Any]:
    """The figures of one task type, from the definitions."""
    ways, steps, nexts = Counter[tuple[str, ...]](), Counter[int](), defaultdict[str, Counter[str]](Counter)
    for each in asked:
        way = path(each.calls)
        steps[sum(one.purpose != "shadow" for one in each.calls)] += int(each.weight)
        way = way or ("(no call)",)
        ways[way] += int(each.weight)
        for step, following in pairwise(("(start)", *way, "(end)")):
            nexts[step][following] += int(each.weight)
    whole = ways.total()
    shares = sorted((n / whole for n in ways.values()), reverse=True)
    ordered = sorted(steps.elements())
    return {
        "n": len(asked),
        "requests": whole,
        "paths": len(ways),
        "top_share": shares[0],
        "top_three_share": sum(shares[:3]),
        "entropy_bits": sum(-p * log2(p) for p in shares),
        "steps_mean": sum(ordered) / whole,
        "steps_p95": ordered[-(-len(ordered) * 95 // 100) - 1],
        "branching": sum(len(to) * to.total() for to in nexts.values()) / sum(to.total() for to in nexts.values()),
    }


@pytest.fixture(scope="module")
def store() -> Iterator[DuckStore]:
    opened = DuckStore.in_memory()
    yield opened
    opened.close()


def fill(store: DuckStore, traffic: list[Asked]) -> None:
    calls = [
        {"id": n, "call": 100 * n + m, "at": one.at, "length": one.length, "lane": one.lane, "purpose": one.purpose}
        for n, each in enumerate(traffic)
        for m, one in enumerate(each.calls)
    ]
    numbers, texts = ("id", "call", "at", "length"), ("lane", "purpose")
    kinds = dict.fromkeys(numbers, pa.int64()) | dict.fromkeys(texts, pa.string())
    schema = pa.schema([pa.field(name, kind) for name, kind in kinds.items()])
    asked = {
        "id": pa.array(range(len(traffic)), pa.int64()),
        "task_type": pa.array([each.kind for each in traffic], pa.string()),
        "weight": pa.array([each.weight for each in traffic], pa.float64()),
    }
    with store.writing() as writing:
        writing.execute("DELETE FROM requests; DELETE FROM attempts")
        writing.attach("asked", pa.table(asked))
        writing.attach("called", pa.Table.from_pylist(calls, schema))
        writing.execute(f"""INSERT INTO requests BY NAME SELECT id::VARCHAR AS request_id,
            md5(id::VARCHAR)::UUID AS trace_id,
            1 AS span_id, TIMESTAMP '{NOON:%F %T}' AS started_at, task_type, 'small' AS lane,
            1 AS attempts, 0 AS failed_attempts, 1 AS steps, 0 AS retries, FALSE AS fell_back, FALSE AS failed,
            TRUE AS priced, weight AS sample_weight FROM asked""")
        writing.execute(f"""INSERT INTO attempts BY NAME SELECT call::VARCHAR AS attempt_id, id::VARCHAR AS request_id,
            md5(id::VARCHAR)::UUID AS trace_id, call + 2 AS span_id, 1 AS request_span,
            TIMESTAMP '{NOON:%F %T}' + to_milliseconds("at") AS started_at, length::DOUBLE AS duration_ms,
            lane, purpose, FALSE AS failed, TRUE AS billable, 1.0 AS sample_weight FROM called""")


@given(TRAFFIC)
def test_the_entropy_query_finds_what_plain_python_finds(store: DuckStore, traffic: list[Asked]) -> None:
    fill(store, traffic)
    rows = {row["name"]: row for row in as_dicts(LocalClient(store).run(EntropyQuery(EntropyArgs(**DAY))).rows)}
    assert rows.keys() == {each.kind for each in traffic}
    for kind, row in rows.items():
        truth = figures([each for each in traffic if each.kind == kind])
        assert {name: row[name] for name in truth} == pytest.approx(truth)


def loaded(*spans: S) -> LocalClient:
    store = Loaded()
    store.load([("traces", body(*spans))])
    return LocalClient(store.store)


def entropy(client: LocalClient, **asked: Any) -> list[dict[str, Any]]:
    day = timedelta(days=1)
    return as_dicts(client.run(EntropyQuery(EntropyArgs(start=AT - day, end=AT + day, **asked))).rows)


# Names that count up explode what is grouped by them: https://github.com/SigNoz/signoz/issues/4654
def test_span_names_that_count_up_make_no_paths() -> None:
    spans = [
        each
        for trace in range(1, 21)
        for each in (
            route(1, trace=trace, task_type="plan"),
            S(2, 1, name=f"agent_step_{trace}", trace=trace),
            replace(call(3, 2, trace=trace), name=f"chat {trace}"),
            replace(call(4, 2, trace=trace, at=30, model="gpt-large"), name=f"chat {trace * 31}"),
        )
    ]
    (row,) = entropy(loaded(*spans))
    assert (row["paths"], row["top_path"], row["entropy_bits"], row["branching"]) == (1, "small > large", 0, 1)


# A flat list by start time cannot tell them apart: https://github.com/promptfoo/promptfoo/issues/9455
def test_calls_in_parallel_are_another_path_than_calls_one_after_the_other() -> None:
    parallel = [route(1, task_type="plan"), call(2, 1), call(3, 1, at=5)]
    serial = [route(1, trace=2, task_type="plan"), call(2, 1, trace=2), call(3, 1, trace=2, at=20)]
    client = loaded(*parallel, *serial)
    (row,) = entropy(client)
    assert (row["paths"], row["entropy_bits"], row["steps_mean"]) == (2, 1, 2)


def test_calls_in_parallel_are_one_path_whichever_began_sooner() -> None:
    spans = [
        each
        for trace in range(1, 11)
        for each in (
            route(1, trace=trace, task_type="plan"),
            call(2, 1, trace=trace, at=trace % 2),
            call(3, 1, trace=trace, at=1 - trace % 2, model="gpt-large"),
        )
    ]
    (row,) = entropy(loaded(*spans))
    assert (row["paths"], row["top_path"]) == (1, "large + small")


def test_a_retry_is_a_step_of_its_own_and_a_model_can_be_what_steps_are_named_by() -> None:
    spans = [
        route(1, task_type="plan"),
        call(2, 1, error=True),
        call(3, 1, at=20),
        call(4, 1, at=40, model="gpt-large"),
    ]
    client = loaded(*spans)
    assert entropy(client)[0]["top_path"] == "small > small > large"
    assert entropy(client, step="model")[0]["top_path"] == "slm-7b > slm-7b > gpt-large"


def test_incidents_of_a_task_type_are_told_per_million_requests() -> None:
    spans = [(route(1, trace=trace, task_type="plan"), call(2, 1, trace=trace)) for trace in range(1, 41)]
    client = loaded(*(each for pair in spans for each in pair))
    for about in (("task_type:plan",), ("task_type:plan", "task_type:sql"), ("task_type:sql",), ()):
        client.execute(RecordIncident(IncidentBody(started_at=AT, minutes=1, slice=about)))
    (row,) = entropy(client)
    assert (row["incidents"], row["incidents_per_million"]) == (1.5, pytest.approx(1e6 * 1.5 / 40))
    assert row["incidents_low"] < row["incidents_per_million"] < row["incidents_high"]


@pytest.mark.parametrize("expected", [1, 5, 40])
def test_the_interval_of_rare_incidents_covers_poisson_counts_as_often_as_it_says(expected: int) -> None:
    requests, counts = 100_000, np.arange(200)
    rates = [incident_rate(float(k), requests) for k in counts]
    inside = [each["incidents_low"] <= 1e6 * expected / requests <= each["incidents_high"] for each in rates]
    assert 0.91 < poisson.pmf(counts, expected)[inside].sum() <= 1
