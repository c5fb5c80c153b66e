"""Ways to route, compared: each figure is that of the answers themselves, and unknown where nothing was shadowed."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from controlsurface.arrays import Flags, Floats
from controlsurface.audit.strategies_query import STRATEGIES, StrategiesQuery
from controlsurface.client import LocalClient
from controlsurface.config import Config
from controlsurface.errors import NotFound
from controlsurface.query.arguments import WeekRange
from controlsurface.store.duckdb import DuckStore
from tests.audit.simulated_routers import NOW, World
from tests.audit.simulated_store import fill
from tests.stores import put

WINDOW = WeekRange(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 5, tzinfo=UTC))
N = 3_000  # requests of each task type
Row = dict[str, Any]


def made(seed: int, right: float) -> World:
    """A task type whose small answers are right in this share, the surer the more often; the large lane's in 90 %."""
    random = np.random.default_rng(seed)
    confidence: Floats = random.beta(4, 2, N)
    small = random.random(N) < np.clip(right + (confidence - confidence.mean()) * (1 - right), 0, 1)
    spread: Floats = random.lognormal(0, 0.5, N)
    return World(confidence, small.astype(float), (random.random(N) < 0.9).astype(float), 0.001 * spread, 0.02 * spread)


EASY, HARD = made(1, 0.99), made(2, 0.6)


def joined(of: Callable[[World], Floats]) -> Floats:
    return np.concatenate([of(EASY), of(HARD)])


SMALL, LARGE = joined(lambda each: each.small), joined(lambda each: each.large)
SMALL_USD, LARGE_USD = joined(lambda each: each.small_usd), joined(lambda each: each.large_usd)
UNSURE: Flags = joined(lambda each: each.confidence) < NOW
IS_HARD: Flags = np.repeat([False, True], N)


def truth(up: Flags) -> tuple[float, float, float]:
    """Escalation rate, quality and cost, with all answers of both lanes known."""
    return float(up.mean()), float(np.where(up, LARGE, SMALL).mean()), float(np.where(up, LARGE_USD, SMALL_USD).mean())


def compared(easy: float, hard: float, **config: Any) -> Iterator[dict[str, Row]]:
    """The strategies, where these shares of the two task types were shadowed."""
    store, random = DuckStore.in_memory(), np.random.default_rng(7)
    fill(store, random, EASY, "easy", np.full(N, easy))
    fill(store, random, HARD, "hard", np.full(N, hard), start=N)
    calls = [{"started_at": datetime(2026, 1, 2, tzinfo=UTC), "purpose": "classifier", "cost_usd": 0.6}]
    put(store, calls, "attempts")
    answer = LocalClient(store, config=Config.model_validate(config)).run(StrategiesQuery(WINDOW))
    yield {row["strategy"]: row for row in answer.rows.to_pylist()} | {"facts": dict(answer.facts)}
    store.close()


@pytest.fixture(scope="module")
def all_known() -> Iterator[dict[str, Row]]:
    yield from compared(1, 1, advice={"classifier_accuracy": 0.9, "router_usd_per_month": 50})


@pytest.fixture(scope="module")
def some_known() -> Iterator[dict[str, Row]]:
    yield from compared(0.2, 0.3, advice={"classifier_accuracy": 0.9})


@pytest.fixture(scope="module")
def one_unknown() -> Iterator[dict[str, Row]]:
    yield from compared(1, 0)


ASSIGNED = {
    "as_routed": UNSURE,
    "all_small": np.zeros(2 * N, dtype=bool),
    "all_large": np.ones(2 * N, dtype=bool),
    "rules": IS_HARD,
    "threshold": UNSURE,
}


@pytest.mark.parametrize("name", ASSIGNED)
def test_a_strategy_of_which_all_answers_are_known_has_the_figures_of_these(
    all_known: dict[str, Row], name: str
) -> None:
    row = all_known[name]
    assert (row["escalation_rate"], row["quality"], row["cost_usd"]) == pytest.approx(truth(ASSIGNED[name]))
    assert (row["evidence"], row["n"], row["quality_n"], row["priced_share"]) == ("pairs", 2 * N, 2 * N, 1)


def test_a_cascade_pays_both_calls_where_it_escalates(all_known: dict[str, Row]) -> None:
    row, (rate, quality, cost) = all_known["cascade"], truth(UNSURE)
    assert row["cost_n"] == 2 * N
    in_vain = float(np.where(UNSURE, SMALL_USD, 0).mean())
    assert (row["escalation_rate"], row["quality"]) == pytest.approx((rate, quality))
    assert (row["cost_usd"], row["overhead_usd"]) == pytest.approx((cost + in_vain, in_vain))
    assert row["overhead_ms"] > 0


def test_a_classifier_is_the_rules_as_often_as_it_is_right(all_known: dict[str, Row]) -> None:
    right, wrong = truth(IS_HARD), truth(~IS_HARD)
    row = all_known["classifier"]
    mixed = [0.9 * one + 0.1 * other for one, other in zip(right, wrong, strict=True)]
    assert [row["escalation_rate"], row["quality"], row["cost_usd"]] == pytest.approx(mixed)
    assert row["overhead_usd"] == pytest.approx(0.6 / (2 * N))


def test_a_strategy_breaks_even_where_its_saving_pays_what_is_fixed(all_known: dict[str, Row]) -> None:
    saved = truth(ASSIGNED["all_large"])[2] - truth(UNSURE)[2] - 0.6 / (2 * N)
    assert all_known["threshold"]["break_even_requests"] == pytest.approx(50 / saved)
    assert all_known["rules"]["break_even_requests"] == 0
    assert all_known["all_large"]["break_even_requests"] is None


@pytest.mark.parametrize("name", [*ASSIGNED, "cascade"])
def test_the_intervals_of_strategies_hold_the_truth_where_some_answers_are_known(
    some_known: dict[str, Row], name: str
) -> None:
    row, (_, quality, cost) = some_known[name], truth(ASSIGNED.get(name, UNSURE))
    cost += float(np.where(UNSURE, SMALL_USD, 0).mean()) if name == "cascade" else 0
    for what, value in (("quality", quality), ("cost_usd", cost)):
        assert row[f"{what}_low"] - 1e-9 <= value <= row[f"{what}_high"] + 1e-9
    assert (row["quality_n"] == 2 * N) == (
        name in {"as_routed", "threshold", "cascade"}
    )  # what happened has all its answers


def test_what_a_cascade_costs_rests_on_requests_of_which_both_calls_are_known(some_known: dict[str, Row]) -> None:
    assert some_known["cascade"]["cost_n"] < some_known["threshold"]["cost_n"] == 2 * N


def test_strategies_know_which_task_types_the_small_lane_passes(some_known: dict[str, Row]) -> None:
    assert some_known["facts"]["small_tasks"] == ["easy"]


def test_a_strategy_that_moves_a_task_type_nobody_shadowed_has_bounds_and_no_figure(
    one_unknown: dict[str, Row],
) -> None:
    for name in ("all_small", "all_large", "rules"):
        row, (_, quality, _) = one_unknown[name], truth(ASSIGNED[name])
        assert (row["evidence"], row["quality"], row["cost_usd"], row["break_even_requests"]) == (
            *["none", None, None],
            None,
        )
        assert row["quality_lowest"] < quality < row["quality_highest"]
    assert one_unknown["as_routed"]["evidence"] == "pairs"


def test_a_classifier_whose_accuracy_nobody_said_has_no_evidence(one_unknown: dict[str, Row]) -> None:
    row = one_unknown["classifier"]
    assert (row["evidence"], row["quality"], row["cost_usd"], row["escalation_rate"]) == ("none", None, None, None)
    assert row["assumptions"] == ["no evidence: advice.classifier_accuracy is not set"]


def test_strategies_need_no_confidence_where_they_do_not_look_at_it() -> None:
    store = DuckStore.in_memory()
    fill(store, np.random.default_rng(7), EASY, "easy", np.ones(N))
    with store.writing() as writing:
        writing.execute("UPDATE requests SET confidence = NULL, confidence_kind = NULL")
    rows = {row["strategy"]: row for row in LocalClient(store).run(StrategiesQuery(WINDOW)).rows.to_pylist()}
    store.close()
    assert {*rows} == {*STRATEGIES}
    assert rows["all_small"]["quality"] == pytest.approx(EASY.small.mean())
    assert (rows["threshold"]["evidence"], rows["cascade"]["evidence"]) == ("none", "none")


def test_strategies_without_traffic_are_refused() -> None:
    store = DuckStore.in_memory()
    with pytest.raises(NotFound, match="nothing to compare"):
        LocalClient(store).run(StrategiesQuery(WINDOW))
    store.close()
