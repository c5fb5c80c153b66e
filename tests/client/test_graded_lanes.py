"""Advice follows graded pairs where there are enough, and says of many slices only what holds over all of them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import sqrt
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest

from controlsurface.client import LocalClient, RemoteClient, advice
from controlsurface.client.advice import AdviceQuery
from controlsurface.config import AuditConfig, Config
from controlsurface.query.arguments import WeekRange
from controlsurface.store.duckdb import DuckStore
from tests.ingest.table.test_shipped_mappings import imported
from tests.serving import serving
from tests.stores import put

END = datetime(2026, 2, 1, tzinfo=UTC)
RIGHT = {True: "correct", False: "wrong"}
USD = {"small": 0.001, "large": 0.0037}
Row = dict[str, Any]
Pair = tuple[str, bool, bool]  # task type, whether the small lane is right, and the large one


@pytest.fixture
def kept() -> Iterator[DuckStore]:
    store = DuckStore.in_memory()
    yield store
    store.close()


def pairs(task: str, n: int, small: int, large: int, both: int = 0) -> list[Pair]:
    """n pairs of which so many are right in either lane, and of these so many in both."""
    return [(task, i < small, i < both or small <= i < small + large - both) for i in range(n)]


def answered(store: DuckStore, asked: Sequence[Pair], lane: str = "small") -> None:
    """Each request is answered by one lane, and again by a shadow of the other."""
    shadow = "large" if lane == "small" else "small"
    calls, requests = [], []
    for i, (task, small, large) in enumerate(asked):
        right = {"small": small, "large": large}
        shared = {"started_at": END - timedelta(minutes=1 + i), "task_type": task, "span_id": 2 * i}
        given = shared | {"lane": lane, "answer_label": RIGHT[right[lane]], "cost_usd": USD[lane]}
        again = shared | {"lane": shadow, "answer_label": RIGHT[right[shadow]], "cost_usd": USD[shadow]}
        calls.append(given | {"request_id": f"r{i}", "attempt_id": f"a{i}"})
        calls.append(again | {"shadow_of": f"r{i}", "attempt_id": f"s{i}", "purpose": "shadow", "span_id": 2 * i + 1})
        requests.append(shared | {"request_id": f"r{i}", "lane": lane, "escalated": lane == "large"})
    put(store, [{"shadow_of": None, "request_id": None, "purpose": "user"} | each for each in calls], "attempts")
    put(store, requests)


def advised(store: DuckStore, *rules: str) -> list[Row]:
    rows = LocalClient(store).run(AdviceQuery(WeekRange(start=END - timedelta(days=7), end=END))).rows.to_pylist()
    return [row for row in rows if row["rule"] in rules]


def ask_alone(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only this rule is asked from here on: a test that looks many times waits for no others."""
    monkeypatch.setattr(advice, "ADVICE_RULES", {rule: advice.ADVICE_RULES[rule]})


ROUTES = ("route_up", "route_down", "large_is_worse")


@pytest.mark.parametrize("lane", ["small", "large"])
def test_advice_where_the_large_lane_is_worse_is_to_stop_escalating(kept: DuckStore, lane: str) -> None:
    answered(kept, pairs("high_school_mathematics", 270, small=86, large=8), lane)
    (row,) = advised(kept, *ROUTES)
    assert (row["rule"], row["title"]) == ("large_is_worse", "Stop escalating high_school_mathematics")
    assert (row["n"], row["value"]) == (270, pytest.approx((8 - 86) / 270))
    assert row["low"] < row["value"] < row["high"] < 0
    assert "right in 3.0 % and the small one in 31.9 %, at 3.7 times the cost" in row["why"]


def test_advice_where_the_large_lane_is_much_better_is_to_raise_the_threshold(kept: DuckStore) -> None:
    answered(kept, pairs("chat", 200, small=90, large=170, both=80))
    (row,) = advised(kept, *ROUTES)
    assert (row["title"], row["metric"]) == ("Raise chat's threshold", "large_minus_small")
    assert row["value"] == pytest.approx(80 / 200)


def test_lanes_that_differ_and_are_as_often_right_move_nothing_up(kept: DuckStore) -> None:
    answered(kept, pairs("chat", 200, small=100, large=100))
    assert advised(kept, *ROUTES) == []


@pytest.mark.parametrize(("lost", "title"), [(0, "Route down sql"), (12, "Route down with monitoring: sql")])
def test_a_small_lane_that_is_as_often_right_takes_over(kept: DuckStore, lost: int, title: str) -> None:
    answered(kept, pairs("sql", 200, small=150, large=150 + lost, both=150), "large")
    assert [row["title"] for row in advised(kept, *ROUTES)] == [title]


def test_29_pairs_are_no_verdict_and_30_may_be_one(kept: DuckStore) -> None:
    answered(kept, [*pairs("few", 29, small=29, large=0), *pairs("enough", 30, small=30, large=0)])
    assert [row["where"] for row in advised(kept, "large_is_worse")] == ["task_type:enough"]


def test_five_pairs_say_nothing_about_a_lane(kept: DuckStore) -> None:
    answered(kept, pairs("few", 5, small=5, large=0))
    assert advised(kept, *ROUTES) == []


def test_equal_lanes_in_57_task_types_are_called_worse_in_at_most_one_look_of_twenty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask_alone("large_is_worse", monkeypatch)
    random, wrong, alone = Random(5), 0, 0
    for _ in range(12):
        store = DuckStore.in_memory()
        asked = [(f"t{i}", random.random() < 0.5, random.random() < 0.5) for i in range(57) for _ in range(40)]
        answered(store, asked)
        wrong += bool(advised(store, "large_is_worse"))
        alone += any(_alone(gaps) for gaps in _gaps(asked).values())
        store.close()
    assert wrong <= 1
    assert alone >= 6  # each by itself, as often as not one seems to be


def _gaps(asked: Sequence[Pair]) -> dict[str, list[int]]:
    found = defaultdict[str, list[int]](list)
    for task, small, large in asked:
        found[task].append(large - small)
    return found


def _alone(gaps: Sequence[int]) -> bool:
    """Whether the 95 % interval of a slice's mean lies below nothing."""
    n, mean = len(gaps), sum(gaps) / len(gaps)
    variance: float = sum((each - mean) ** 2 for each in gaps) / (n - 1)
    return mean < -1.96 * sqrt(variance / n)


def test_gates_say_nothing_of_a_task_type_whose_pairs_are_graded(kept: DuckStore) -> None:
    answered(kept, pairs("sql", 200, small=100, large=180, both=100))
    gated = [
        {
            "started_at": END - timedelta(minutes=i),
            "task_type": "sql",
            "lane": lane,
            "gate": "fail" if i % k else "pass",
        }
        for lane, k in (("small", 1), ("large", 3))
        for i in range(1, 200)
    ]
    put(kept, gated, "attempts")
    assert advised(kept, "strong_is_worse") == []


def test_task_types_at_the_target_are_not_all_looked_at_until_one_is_above_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask_alone("escalation", monkeypatch)
    random, found = Random(9), 0
    for _ in range(20):
        store = DuckStore.in_memory()
        put(
            store,
            [
                {
                    "started_at": END - timedelta(minutes=i),
                    "task_type": f"t{i % 57}",
                    "escalated": random.random() < 0.2,
                }
                for i in range(57 * 100)
            ],
        )
        found += bool(advised(store, "escalation"))
        store.close()
    assert found <= 3  # 20 looks at 5 %


def test_a_server_advises_what_its_store_says(kept: DuckStore) -> None:
    answered(kept, [*pairs("maths", 270, small=86, large=8), *pairs("chat", 200, small=90, large=170, both=80)])
    question = AdviceQuery(WeekRange(start=END - timedelta(days=7), end=END))
    local = LocalClient(kept)
    with serving(local) as url:
        remote = RemoteClient(url)
        assert remote.run(question) == local.run(question)
        assert {row["rule"] for row in remote.run(question).rows.to_pylist()} >= {"large_is_worse", "route_up"}
        remote.close()


@pytest.fixture(scope="module")
def llmrouter(shared_data: Path) -> Iterator[tuple[list[Row], pl.DataFrame]]:
    path = shared_data / "llmrouter_uiuc/scores_train.parquet"
    store = imported(path, "llmrouter_uiuc").store
    reader = LocalClient(store, config=Config(audit=AuditConfig(grade_labels=True)))
    (span,) = store.state("SELECT min(started_at) AS low, max(started_at) AS high FROM attempts").to_pylist()
    window = WeekRange(start=span["low"].replace(tzinfo=UTC), end=span["high"].replace(tzinfo=UTC) + timedelta(hours=1))
    yield reader.run(AdviceQuery(window)).rows.to_pylist(), pl.read_parquet(path)
    store.close()


def test_advice_on_llmrouters_tasks_never_contradicts_the_graded_answers(
    llmrouter: tuple[list[Row], pl.DataFrame],
) -> None:
    """ulab-uiuc/LLMRouter at 4e7a796: an 8B and a 51B model on 14 tasks, graded; the small one wins some."""
    rows, table = llmrouter
    gap = pl.col("llama_3_1_nemotron_51b_instruct") - pl.col("llama_3_1_8b_instruct")
    truth = {task: (mean, sd / n**0.5) for task, mean, sd, n in _each_task(table, gap)}
    told = {row["where"].removeprefix("task_type:"): row for row in rows if row["rule"] in ROUTES}
    assert told
    for task, row in told.items():
        mean, error = truth[task]
        if row["metric"] == "large_minus_small":
            assert row["value"] == pytest.approx(mean)
        if row["rule"] == "large_is_worse":
            assert mean < -2 * error
        if row["rule"] == "route_up":
            assert mean > 0.15
        if row["rule"] == "route_down":
            assert mean < 0.15


def _each_task(table: pl.DataFrame, gap: pl.Expr) -> list[tuple[Any, ...]]:
    figures = gap.mean().alias("mean"), gap.std().alias("sd"), pl.len().alias("n")
    return table.group_by("task_name").agg(*figures).rows()
