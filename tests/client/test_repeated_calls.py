"""Calls that a cache would have answered, against a cache played through; and what such counts overstate."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.advice.repeated_calls import RepeatedCalls, repeated_calls
from controlsurface.config import Config
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TTL = 60  # minutes, the default
Row = dict[str, Any]


@pytest.fixture(scope="module")
def kept() -> Iterator[DuckStore]:
    store = DuckStore.in_memory()
    yield store
    store.close()


def found(store: DuckStore, calls: list[Row], config: Config | None = None) -> list[RepeatedCalls]:
    """What is found of calls that begin so many minutes after noon and take a second each."""
    defaults = {"prompt_hash": "p", "model": "m", "task_type": "sql", "cost_usd": 0.5, "duration_ms": 1000.0}
    rows = [
        defaults | {"attempt_id": f"{i:04}", "request_id": f"r{i}", "started_at": NOON + call["at"] * MINUTE} | call
        for i, call in enumerate(calls)
    ]
    with store.writing() as writing:
        writing.execute("DELETE FROM attempts")
    put(store, [{name: value for name, value in row.items() if name != "at"} for row in rows], "attempts")
    session = LocalClient(store, config=config)
    return repeated_calls(session, NOON, NOON + timedelta(days=7))


def repeats(store: DuckStore, calls: list[Row], config: Config | None = None) -> int:
    return sum(round(each.share * each.n) for each in found(store, calls, config))


# fkiene/llmtrim 100, sulci-io/sulci-oss 88: list prices for what was paid less for, and zero for what had no price.
def test_a_repeat_is_worth_what_its_call_cost(kept: DuckStore) -> None:
    (sql,) = found(kept, [{"at": 0, "cost_usd": 9}, {"at": 5, "cost_usd": 0.25}, {"at": 6, "cost_usd": None}])
    assert (sql.n, sql.share, sql.saved_usd, sql.cost_usd, sql.priced_share) == (3, 2 / 3, 0.25, 9.25, 0.5)


# How such savings were overstated, or caches went wrong, elsewhere: answers across tenants (BerriAI/litellm 29955,
# vllm-project/semantic-router 2134), two calls in flight at once (nex-crm/wuphf 823), failed answers
# (promptfoo/promptfoo 706 and 8070), bad ones asked for again (stanfordnlp/dspy 1544, vercel/ai 20488), what a cache
# had a part in already (BerriAI/litellm 37760).
@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"at": 59}, 1),
        ({"at": 61}, 0),  # after the entry's time
        ({"at": 0.01}, 0),  # begins before the first is answered
        ({"at": 5, "model": "other"}, 0),
        ({"at": 5, "tenant": "b"}, 0),
        ({"at": 5, "prompt_hash": "q"}, 0),
        ({"at": 5, "prompt_hash": None}, 0),
        ({"at": 5, "request_id": "r0"}, 0),  # a retry wants another answer
        ({"at": 5, "purpose": "shadow"}, 0),
        ({"at": 5, "failed": True}, 0),
        ({"at": 5, "gate": "fail"}, 0),
        ({"at": 5, "cache": "exact"}, 0),  # a cache had a part in it already
        ({"at": 5, "task_type": "chat"}, 1),  # the same prompt under another name
    ],
    ids=str,
)
def test_a_call_counts_as_a_repeat_only_where_a_cache_had_answered_it(
    kept: DuckStore, second: Row, expected: int
) -> None:
    assert repeats(kept, [{"at": 0, "tenant": "a"}, {"tenant": "a"} | second]) == expected


def test_a_cache_of_all_tenants_is_for_who_says_so(kept: DuckStore) -> None:
    shared = Config.model_validate({"advice": {"cache_across_tenants": True}})
    assert repeats(kept, [{"at": 0, "tenant": "a"}, {"at": 1, "tenant": "b"}], shared) == 1


# redis/redis-vl-python 603, OrchardCMS/Orchard 3985: what is asked often never expires.
def test_the_time_of_an_entry_is_not_prolonged_by_its_use(kept: DuckStore) -> None:
    assert repeats(kept, [{"at": 40 * i} for i in range(4)]) == 2


@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from("pq")), max_size=30))
def test_repeats_are_those_of_a_cache_played_through(kept: DuckStore, calls: list[tuple[int, str]]) -> None:
    filled: dict[str, int] = {}
    hits = 0
    for at, prompt in sorted(calls):
        since = filled.get(prompt)
        if since is not None and since < at < since + TTL + 1 / 60:
            hits += 1
        elif since is None or since < at:
            filled[prompt] = at
    assert repeats(kept, [{"at": at, "prompt_hash": prompt} for at, prompt in sorted(calls)]) == hits


def test_one_prompt_that_is_asked_often_is_no_evidence_of_many(kept: DuckStore) -> None:
    once = [{"at": i, "prompt_hash": f"p{i}"} for i in range(100)]
    (sql,) = found(kept, once + [{"at": i / 2, "prompt_hash": "ping"} for i in range(100)])
    assert sql.share > 0.45
    assert sql.high - sql.low > 0.6
