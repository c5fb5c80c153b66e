"""What a change of the model within a session costs, computed here call by call.

A router that sends each turn to the cheaper model pays for the whole conversation anew at each change
(BerriAI/litellm 6784 asks to keep a session on its deployment for the sake of its prompt cache).
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.queries.costs.switching_query import SwitchingCostQuery
from controlsurface.errors import UnknownName
from controlsurface.money.switching_costs import SwitchingArgs
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
DAY = {"start": NOON - timedelta(hours=12), "end": NOON + timedelta(hours=12)}
SAVING = {"small": Decimal("0.000001"), "large": Decimal("0.000009")}  # of a token from the cache, USD


def call(session: str | None, model: str, minutes: float, tokens: int | None, cached: int | None, **more: Any) -> Any:
    """One call; what it saved by its cache is told by its model."""
    saved = SAVING[model] * cached if cached and model in SAVING else None
    said = {"session_id": session, "model": model, "input_tokens": tokens, "cached_tokens": cached}
    return said | {"started_at": NOON + timedelta(minutes=minutes), "cache_saving_usd": saved} | more


@pytest.fixture
def store() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    yield made
    made.close()


@pytest.fixture(scope="module")
def scratch() -> Iterator[DuckStore]:
    made = DuckStore.in_memory()
    yield made
    made.close()


def switches(store: DuckStore, calls: list[Any], **more: Any) -> list[dict[str, Any]]:
    if calls:
        put(store, [each | {"span_id": n + 1} for n, each in enumerate(calls)], "attempts")
    asked = SwitchingCostQuery(SwitchingArgs.model_validate({**DAY, **more}))
    return [dict(row) for row in as_dicts(LocalClient(store).run(asked).rows)]


TALK = [
    call("a", "large", 0, 1000, 0),
    call("a", "large", 1, 2000, 900, tenant="x"),  # another tenant's session of that name
    call("b", "large", 0, 1000, 0),
    call("b", "large", 1, 1500, 800),  # of 1,000 shared tokens 800 are warm
    call("b", "small", 2, 2000, 0),
    call("b", "small", 3, 2500, 1600),  # of 2,000 shared tokens 1,600 are warm
    call("b", "large", 4, 3000, 100),
]


def test_a_switch_costs_what_would_have_been_warm_at_what_the_new_models_cache_saves(store: DuckStore) -> None:
    there, back = sorted(switches(store, TALK), key=lambda row: row["to_model"] == "large")
    assert (there["from_model"], there["to_model"], there["switches"], there["known"]) == ("large", "small", 1, 1)
    assert there["cold_tokens"] == pytest.approx(0.8 * 1500)  # of the prompt before
    assert there["cost_usd"] == pytest.approx(0.8 * 1500 * 0.000001)
    assert (there["warm_share"], there["stays"]) == (0.8, 1)
    assert back["cold_tokens"] == pytest.approx(0.8 * 2500 - 100)
    assert back["cost_usd"] == pytest.approx((0.8 * 2500 - 100) * 0.000009)
    assert back["most_usd"] == pytest.approx(2400 * 0.000009)


@pytest.mark.parametrize(
    ("what", "calls", "known"),
    [
        ("nobody stayed with the model", [call("a", "large", 0, 9, 0), call("a", "small", 1, 9, 0)], 0),
        ("its cache is not told of", [*TALK[3:6], call("c", "large", 0, 9, 0), call("c", "small", 1, 9, None)], 1),
        (
            "no list prices its cache",
            [call("a", "large", 0, 9, 0), call("a", "own", 1, 9, 0), call("a", "own", 2, 9, 5)],
            0,
        ),
    ],
)
def test_what_nothing_tells_is_unknown_and_not_free(store: DuckStore, what: str, calls: list[Any], known: int) -> None:
    found = switches(store, calls)
    assert sum(row["known"] for row in found) == known, what
    assert sum(row["n"] for row in found) > known
    assert [row["cost_usd"] for row in found if not row["known"]] == [None for row in found if not row["known"]]


@pytest.mark.parametrize(
    "between",
    [
        {"minutes": 9},  # its cache is gone by then whoever answers
        {"session": None},
        {"purpose": "judge"},
        {"failed": True},
    ],
)
def test_what_is_no_switch_is_none(store: DuckStore, between: dict[str, Any]) -> None:
    told = {"session": "a", "minutes": 1, **between}
    session, minutes = told.pop("session"), told.pop("minutes")
    assert switches(store, [call("a", "large", 0, 9, 0), call(session, "small", minutes, 9, 0, **told)]) == []


def test_a_breakdown_adds_up_and_a_filter_is_for_the_call_that_switched(store: DuckStore) -> None:
    calls = [each | {"task_type": "sql" if n % 2 else "chat"} for n, each in enumerate(TALK)]
    whole = sum(row["cost_usd"] for row in switches(store, calls))
    parts = switches(store, [], by="task_type")
    assert sum(row["cost_usd"] for row in parts) == pytest.approx(whole)
    (chat,) = {row["name"] for row in parts}
    assert chat == "chat"  # both switches
    assert switches(store, [], where=["task_type:sql"]) == []
    assert len(switches(store, [], where=["task_type:chat"])) == 2


def test_a_dimension_that_calls_do_not_have_is_refused_with_the_nearest(store: DuckStore) -> None:
    with pytest.raises(UnknownName, match="did you mean 'team'"):
        switches(store, [], by="teem")


CALLS = st.lists(
    st.builds(
        call,
        st.sampled_from(("a", "b")),
        st.sampled_from(("small", "large")),
        st.integers(0, 30),
        st.integers(0, 5000),
        st.none() | st.integers(0, 5000),
        sample_weight=st.sampled_from((1.0, 4.0)),
    ),
    max_size=25,
)


@given(CALLS)
def test_every_switch_of_any_traffic_costs_what_the_calls_around_it_tell(scratch: DuckStore, calls: list[Any]) -> None:
    calls = [each | {"cached_tokens": min(each["cached_tokens"] or 0, each["input_tokens"])} for each in calls]
    calls = [each | {"cache_saving_usd": SAVING[each["model"]] * each["cached_tokens"]} for each in calls]
    with scratch.writing() as writing:
        writing.execute("DELETE FROM attempts")
    found = {(row["from_model"], row["to_model"]): row for row in switches(scratch, calls)}
    sessions: dict[str, list[Any]] = defaultdict(list)
    for each in sorted(calls, key=lambda one: one["started_at"]):  # stable: by place, as their span ids are
        sessions[each["session_id"]].append(each)
    pairs = [(b, a) for one in sessions.values() for b, a in pairwise(one)]
    pairs = [(b, a) for b, a in pairs if a["started_at"] - b["started_at"] <= timedelta(minutes=5)]
    shared = {id(a): min(a["input_tokens"], b["input_tokens"]) for b, a in pairs}
    cost: dict[tuple[str, str], float | None] = {}
    for b, a in pairs:
        if a["model"] == b["model"]:
            continue
        mine = [other for before, other in pairs if other["model"] == before["model"] == a["model"]]
        read, could = (
            sum(other["sample_weight"] * tokens for other, tokens in zip(mine, of, strict=True))
            for of in ([other["cached_tokens"] for other in mine], [shared[id(other)] for other in mine])
        )
        rated = any(other["cached_tokens"] for other in calls if other["model"] == a["model"])
        key = b["model"], a["model"]
        cost.setdefault(key, None)
        if could and rated:
            cold = max(0.0, min(1.0, read / could) * shared[id(a)] - a["cached_tokens"])
            cost[key] = (cost[key] or 0) + a["sample_weight"] * cold * float(SAVING[a["model"]])
    assert {key: row["cost_usd"] for key, row in found.items()} == {
        key: pytest.approx(usd) for key, usd in cost.items()
    }
