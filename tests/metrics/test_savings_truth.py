"""Savings are those of traffic of which every counterfactual is known: made here, and of published answers."""

import gzip
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client import LocalClient, RemoteClient
from controlsurface.client.queries.metric_queries import BatchQuery, MetricQuery
from controlsurface.metrics.queries import replay_query, window_query
from controlsurface.metrics.queries.batch_query import BatchArgs
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.metrics.queries.window_query import WindowArgs
from controlsurface.query.dimensions import SHARED_DIMENSIONS
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving
from tests.stores import put

Row = dict[str, Any]
SAVINGS = ("saving_vs_all_large", "saving_vs_all_small", "saving_vs_random")
START = datetime(2026, 1, 5)  # noqa: DTZ001 - as the store holds times


@dataclass(frozen=True)
class Asked:
    """A request of which everything is known: what each lane costs, and where it was sent (`cascade`: to both)."""

    task: str
    tokens: int
    small: float
    large: float
    way: str
    shadowed: bool = False

    @property
    def paid(self) -> float:
        return {"small": self.small, "large": self.large, "cascade": self.small + self.large}[self.way]

    @property
    def saved(self) -> float:
        return self.large - self.paid

    def row(self, number: int) -> Row:
        """As the store holds it after the derivation."""
        up, tries = self.way != "small", 2 if self.way == "cascade" else 1
        return {
            "request_id": f"r{number}",
            "started_at": START + timedelta(seconds=60 * number),
            "task_type": self.task,
            "tenant": f"t{number % 3}",
            "lane": "large" if up else "small",
            "escalated": up,
            "attempts": tries,
            "input_tokens": self.tokens * tries,
            "cost_usd": round(self.paid, 12),
            "own_large_usd": round(self.large, 12) if up else None,
            "own_small_usd": round(self.small, 12) if self.way != "large" else None,
            "shadow_large_usd": round(self.large, 12) if self.shadowed and not up else None,
        }


def traffic(seed: int, n: int = 1500, shadows: float = 0.0, cascades: float = 0.2) -> list[Asked]:
    """Five families, each with its own lengths; in `essay` the small model writes so much that it is the dearer one."""
    dice = random.Random(seed)
    kinds = {"label": (200, 4, 4), "extract": (900, 60, 50), "chat": (150, 250, 300), "code": (600, 500, 900)}
    kinds["essay"] = (40, 9000, 300)
    found = []
    for _ in range(n):
        task = dice.choice([*kinds])
        typical, small_out, large_out = kinds[task]
        tokens = max(1, round(typical * dice.lognormvariate(0, 0.6)))
        small_out, large_out = (round(each * dice.lognormvariate(0, 0.4)) for each in (small_out, large_out))
        small, large = (tokens * 0.1 + small_out * 0.4) / 1e6, (tokens * 2 + large_out * 8) / 1e6
        small = small if task != "essay" else (tokens * 0.1 + small_out * 0.6) / 1e6
        up = dice.random() < 0.3
        way = "small" if not up else "cascade" if dice.random() < cascades else "large"
        found.append(Asked(task, tokens, small, large, way, shadowed=dice.random() < shadows))
    return found


def read(asked: Iterable[Asked]) -> LocalClient:
    store = DuckStore.in_memory()
    put(store, [each.row(number) for number, each in enumerate(asked)])
    return LocalClient(store)


def figures(reader: LocalClient | RemoteClient, metric: str, **more: Any) -> list[Row]:
    return reader.run(MetricQuery(MetricArgs(metric=metric, **more))).rows.to_pylist()


def only(reader: LocalClient, metric: str, **more: Any) -> Row:
    (row,) = figures(reader, metric, **more)
    return row


def near(row: Row) -> Row:
    """The row, whose figures may differ by the order in which threads add floats."""
    return {
        name: pytest.approx(value, rel=1e-9, abs=1e-12) if isinstance(value, float) else value
        for name, value in row.items()
    }


def by_task(asked: Iterable[Asked], what: Callable[[Asked], float] = lambda each: each.saved) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for each in asked:
        sums[each.task] += what(each)
    return dict(sums)


def test_a_saving_is_exact_where_every_request_is_shadowed() -> None:
    asked = traffic(1, shadows=1)
    reader = read(asked)
    for by, key in (("task_type", lambda i, each: each.task), ("tenant", lambda i, each: f"t{i % 3}")):
        truth: dict[str, float] = defaultdict(float)
        for number, each in enumerate(asked):
            truth[key(number, each)] += each.saved
        rows = figures(reader, "saving_vs_all_large", by=by)
        assert {row[by]: row["value"] for row in rows} == pytest.approx(truth, rel=1e-9)
        assert all(row["low"] == row["value"] == row["high"] for row in rows)
    assert only(reader, "baseline_known_share")["value"] == 1


@pytest.mark.parametrize("seed", range(5))
def test_savings_without_shadows_have_the_right_sign_by_task_type_and_a_total_within_a_tenth(seed: int) -> None:
    asked = traffic(seed)
    reader, truth = read(asked), by_task(asked)
    assert truth["essay"] < 0 < truth["code"]  # a mean price of all traffic has the sign of `essay` wrong
    for row in figures(reader, "saving_vs_all_large", by="task_type"):
        assert math.copysign(1, row["value"]) == math.copysign(1, truth[row["task_type"]])
    assert only(reader, "saving_vs_all_large")["value"] == pytest.approx(sum(truth.values()), rel=0.1)


def test_the_interval_of_a_saving_holds_the_truth_about_as_often_as_it_says() -> None:
    """In forty times the traffic, with task types of their own in one store."""
    asked = [
        replace(each, task=f"{each.task}-{seed}")
        for seed in range(40)
        for each in traffic(100 + seed, n=600, shadows=0.4)
    ]
    truth = by_task(asked)
    rows = figures(read(asked), "saving_vs_all_large", by="task_type")
    held = [row["low"] <= truth[row["task_type"]] <= row["high"] for row in rows if row["low"] is not None]
    assert len(held) > 190
    assert sum(held) / len(held) >= 0.9


def test_a_saving_that_rests_on_what_the_router_sent_up_itself_has_no_interval() -> None:
    row = only(read(traffic(1)), "saving_vs_all_large")  # 300 calls of each task type, but none of what stayed below
    assert row["value"] > 0
    assert (row["low"], row["high"]) == (None, None)


@pytest.mark.parametrize(("shadows", "told"), [(19, False), (20, True)])
def test_twenty_shadows_of_a_lane_give_a_saving_its_interval(shadows: int, told: bool) -> None:
    dice = random.Random(3)
    asked = [Asked("chat", 100, 1e-4, dice.lognormvariate(-7, 0.5), "small", shadowed=i < shadows) for i in range(90)]
    assert (only(read(asked), "saving_vs_all_large")["low"] is not None) is told


def test_a_task_type_without_shadows_takes_the_interval_of_all_away_where_it_weighs() -> None:
    dice = random.Random(4)
    shadowed = [Asked("chat", 100, 1e-4, dice.lognormvariate(-7, 0.5), "small", shadowed=i < 40) for i in range(90)]
    lone = [Asked("poem", 100, 1e-4, dice.lognormvariate(-7, 0.5), way) for way in ("large", "small", "small")]
    assert only(read([*shadowed, *lone]), "saving_vs_all_large")["low"] is not None
    assert only(read([*shadowed, *lone * 10]), "saving_vs_all_large")["low"] is None


def test_a_saving_of_head_sampled_traffic_has_no_interval() -> None:
    store = DuckStore.in_memory()
    rows = [each.row(number) for number, each in enumerate(traffic(2, n=900, shadows=0.5))]
    put(store, [row | {"sample_weight": 10.0} for row in rows])
    row = only(LocalClient(store), "saving_vs_all_large")
    assert row["value"] is not None
    assert row["low"] is None


def test_the_share_saved_and_the_saving_have_the_same_interval() -> None:
    asked = traffic(5, n=900, shadows=0.4)
    saved, share, against = (
        only(read(asked), name)
        for name in ("saving_vs_all_large", "saving_share_vs_all_large", "cost_against_all_escalated")
    )
    paid = sum(each.paid for each in asked)
    for end, other in (("low", "high"), ("high", "low")):
        assert share[end] == pytest.approx(saved[end] / (saved[end] + paid))
        assert against[other] == pytest.approx(1 - share[end])
    assert saved["value"] - saved["low"] < saved["high"] - saved["value"]  # costs lean to the dear side


def test_ten_shadows_of_a_lane_give_its_cost_elsewhere_better_than_requests_sent_there() -> None:
    """The router sends up what is long to answer: of requests that stay down, the large lane's calls know nothing."""
    down = [Asked("chat", 100, 1e-4, 1e-3, "small", shadowed=i % 10 == 0) for i in range(200)]
    up = [Asked("chat", 100, 1e-4, 9e-3, "large") for _ in range(200)]
    found = {row["lane"]: row["value"] for row in figures(read([*down, *up]), "saving_vs_all_large", by="lane")}
    assert found == pytest.approx({"small": sum(each.saved for each in down), "large": 0.0})


def test_a_cascade_that_costs_one_and_a_half_times_all_large_says_so() -> None:
    """No floor at zero, which BerriAI/litellm had (pull request 35402)."""
    reader = read([Asked("chat", 100, 0.005, 0.01, "cascade") for _ in range(20)])
    assert only(reader, "cost_against_all_escalated")["value"] == pytest.approx(1.5)
    assert only(reader, "saving_share_vs_all_large")["value"] == pytest.approx(-0.5)
    assert only(reader, "saving_vs_all_large")["value"] == pytest.approx(-0.1)


def charged(*rows: tuple[bool, float, float]) -> LocalClient:
    """Requests of one lane each: whether it is the large one, their cost, and what the classifier took."""
    store = DuckStore.in_memory()
    lanes = {False: ("small", "own_small_usd"), True: ("large", "own_large_usd")}
    made = []
    for up, usd, classifier in rows:
        lane, own = lanes[up]
        row = {"lane": lane, "escalated": up, "input_tokens": 100, "cost_usd": usd, "overhead_usd": classifier}
        made.append({"own_small_usd": None, "own_large_usd": None} | row | {own: usd})
    put(store, made)
    return LocalClient(store)


def test_a_classifier_that_costs_more_than_it_saves_is_no_saving() -> None:
    """BerriAI/litellm, pull request 38835: 80 % saved, of a turn whose classifier took more than all of it."""
    reader = charged((False, 0.000079, 0.002135), (True, 0.000395, 0.0))
    assert only(reader, "saving_vs_all_large")["value"] == pytest.approx(0.000395 - 0.000079 - 0.002135)
    assert only(reader, "saving_share_vs_all_large")["value"] < 0


def test_a_request_that_was_sent_to_the_baseline_itself_loses_what_the_decision_took() -> None:
    """BerriAI/litellm-docs, pull request 1100."""
    assert only(charged((True, 0.01, 0.0005)), "saving_vs_all_large")["value"] == pytest.approx(-0.0005)


def test_a_task_type_without_a_large_call_is_unknown_and_left_out_with_its_cost() -> None:
    told = [Asked("chat", 100, 1e-4, 1e-3, way) for way in ("small", "large") * 20]
    untold = [Asked("poem", 100, 5.0, 7.0, "small") for _ in range(60)]
    reader = read([*told, *untold])
    total = only(reader, "saving_vs_all_large")
    assert total["value"] == pytest.approx(sum(each.saved for each in told))
    assert (total["n"], total["priced_share"]) == (40, 0.4)
    poem = only(reader, "saving_vs_all_large", where=["task_type:poem"], by="task_type")
    assert (poem["value"], poem["n"], poem["low"], poem["priced_share"]) == (None, 0, None, 0)


def test_the_saving_of_requests_that_only_caches_answered_is_unknown() -> None:
    store = DuckStore.in_memory()
    cached = {"lane": "cache", "escalated": False, "attempts": 0, "input_tokens": 0, "cost_usd": 0, "cache": "exact"}
    put(store, [cached] * 3)
    assert only(LocalClient(store), "saving_vs_all_large")["value"] is None


@given(st.lists(st.sampled_from(SHARED_DIMENSIONS), max_size=4, unique=True), st.sampled_from(SAVINGS))
def test_savings_add_up_over_any_breakdown(reader: LocalClient, by: list[str], metric: str) -> None:
    total, rows = only(reader, metric), figures(reader, metric, by=by)
    assert sum(row["value"] or 0 for row in rows) == pytest.approx(total["value"], rel=1e-9)
    assert sum(row["n"] for row in rows) == total["n"]


@given(st.sampled_from(["1h", "7h", "1d"]), st.sampled_from(SAVINGS))
def test_savings_add_up_over_time(reader: LocalClient, every: str, metric: str) -> None:
    window = {"start": "2026-01-03", "end": "2026-01-08"}
    total, rows = only(reader, metric, **window), figures(reader, metric, every=every, **window)
    assert sum(row["value"] or 0 for row in rows) == pytest.approx(total["value"], rel=1e-9)


def test_remote_clients_and_batch_queries_give_the_savings_of_a_local_client(reader: LocalClient) -> None:
    names = (*SAVINGS, "saving_share_vs_all_large", "cost_against_all_escalated")
    with serving(reader) as url:
        remote = RemoteClient(url)
        for metric in names:
            there, here = (figures(each, metric, by="task_type") for each in (remote, reader))
            for one, other in zip(there, here, strict=True):
                assert one == near(other)
        remote.close()
    together = reader.run(BatchQuery(BatchArgs(metrics=names, by=("task_type",)))).rows.to_pylist()
    for metric in names:
        alone = figures(reader, metric, by="task_type")
        seen = [row for row in together if row["metric"] == metric]
        for one, other in zip(alone, seen, strict=True):
            assert [other[name] for name in ("value", "n", "low", "high")] == pytest.approx(
                [one[name] for name in ("value", "n", "low", "high")]
            )


def routed(seed: int, rows: Iterable[tuple[str, int, float, float]], shadows: float = 0.0) -> Iterator[Asked]:
    """Published requests as a router sends them: a third up, of these a fifth after the small lane had tried."""
    dice = random.Random(seed)
    for task, tokens, small, large in rows:
        up = dice.random() < 1 / 3
        way = "small" if not up else "cascade" if dice.random() < 0.2 else "large"
        yield Asked(task, tokens, small, large, way, shadowed=dice.random() < shadows)


def gsm8k(folder: Path) -> Iterator[tuple[str, int, float, float]]:
    """Mixtral-8x7B and GPT-4 at their list prices of then, four characters a token; by the length of the question."""
    for row in pl.read_parquet(folder / "routellm" / "gsm8k.parquet").iter_rows(named=True):
        tokens, weak, strong = (len(row[name]) // 4 for name in ("prompt", "weak_response", "strong_response"))
        task = "short" if tokens < 40 else "middle" if tokens < 70 else "long"
        yield task, tokens, (tokens + weak) * 0.6e-6, tokens * 10e-6 + strong * 30e-6


_SMALL_MODEL, _LARGE_MODEL = ("llama_3_1_8b_instruct", 3000), ("llama_3_1_nemotron_51b_instruct", 600)


def llmrouter(folder: Path) -> Iterator[tuple[str, int, float, float]]:
    """Llama-3.1-8B and Nemotron-51B over 14 task types, at the prices that are published beside the scores.

    The answers' lengths are not published. Whoever fails here writes on: right answers have three hundred tokens, the
    small model's wrong ones three thousand and the large model's six hundred, so that on hard task types the small one
    is the dearer one.
    """
    prices = json.loads((folder / "llmrouter_uiuc" / "default_llm.json").read_text("utf-8"))
    names = ("llama-3.1-8b-instruct", "llama-3.1-nemotron-51b-instruct")
    small, large = (prices[name]["input_price"] / 1e6 for name in names)
    for row in pl.read_parquet(folder / "llmrouter_uiuc" / "scores_train.parquet").iter_rows(named=True):
        tokens = max(1, len(row["question"]) // 4)
        out, other = ((300 if row[name] >= 0.5 else wrong) for name, wrong in (_SMALL_MODEL, _LARGE_MODEL))
        yield row["task_name"], tokens, (tokens + out) * small, (tokens + other) * large


def azure(folder: Path) -> Iterator[tuple[str, int, float, float]]:
    """Production requests of a code assistant: the same tokens at the price of a small and of a large model."""
    text = gzip.decompress((folder / "azure_llm_2023" / "AzureLLMInferenceTrace_code.csv.gz").read_bytes()).decode()
    for line in text.splitlines()[1:4001]:
        _, read, written = line.split(",")
        tokens = int(read)
        price = tokens * 0.15e-6 + int(written) * 0.6e-6, tokens * 2.5e-6 + int(written) * 10e-6
        yield "short" if tokens < 1500 else "long", tokens, *price


@pytest.mark.parametrize("published", [gsm8k, llmrouter, azure])
def test_savings_of_published_requests_have_the_right_sign_by_task_type_and_total(
    shared_data: Path, published: Callable[[Path], Iterator[tuple[str, int, float, float]]]
) -> None:
    asked = list(routed(7, published(shared_data)))
    reader, truth = read(asked), by_task(asked)
    rows = figures(reader, "saving_vs_all_large", by="task_type")
    assert {row["task_type"] for row in rows} == {*truth}
    for row in rows:
        assert row["value"] * truth[row["task_type"]] > 0, row
    total = only(reader, "saving_vs_all_large")
    assert total["value"] == pytest.approx(sum(truth.values()), rel=0.1)


@pytest.mark.parametrize("published", [gsm8k, llmrouter, azure])
def test_intervals_of_published_requests_hold_what_was_saved(
    shared_data: Path, published: Callable[[Path], Iterator[tuple[str, int, float, float]]]
) -> None:
    asked = list(routed(7, published(shared_data), shadows=0.3))
    reader, truth = read(asked), by_task(asked)
    total = only(reader, "saving_vs_all_large")
    assert total["low"] <= sum(truth.values()) <= total["high"]
    rows = [row for row in figures(reader, "saving_vs_all_large", by="task_type") if row["low"] is not None]
    held = sum(row["low"] <= truth[row["task_type"]] <= row["high"] for row in rows)
    assert rows
    assert held >= 0.9 * len(rows) - 1


@pytest.mark.parametrize("metric", ["cost_against_all_escalated", "saving_vs_random"])
def test_rules_measure_at_every_moment_what_a_query_of_its_window_measures(reader: LocalClient, metric: str) -> None:
    over, every = timedelta(hours=12), timedelta(hours=6)
    first, last = (datetime(2026, 1, day, tzinfo=UTC) for day in (4, 6))
    for steps in (every, timedelta(hours=5)):  # 5 h do not divide 12 h: then windows are counted one by one
        asked = replay_query.render_replay(
            [metric], ["task_type"], [], over, replay_query.ReplayMoments(first, last, steps)
        )
        seen = reader.rows(asked).to_pylist()
        for moment in {row["moment"] for row in seen}:
            alone = figures(reader, metric, by="task_type", start=moment - over, end=moment)
            mine = {row["task_type"]: row["value"] for row in seen if row["moment"] == moment}
            assert mine == pytest.approx({row["task_type"]: row["value"] for row in alone}), moment
    several = WindowArgs((metric,), ("task_type",), (), ((first, last), (first + every, last - every)))
    for row in window_query.run_windows(reader.rows, several).to_pylist():
        start, end = several.windows[row["span"]]
        alone = figures(reader, metric, by="task_type", start=start, end=end)
        assert row["value_0"] == pytest.approx(
            next(each["value"] for each in alone if each["task_type"] == row["task_type"])
        )
