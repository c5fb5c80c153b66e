"""The cost of a request and the curve of an architecture, against arithmetic on single requests."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.money.architecture_costs import CostSpread, cost_spread, curve_figures
from controlsurface.money.cost_curve import DAYS_PER_MONTH

MONTH = timedelta(days=DAYS_PER_MONTH)
CONTROL: dict[str, Any] = {
    "requests": 1000,
    "priced_share": 1.0,
    "rated_share": None,
    "engineer_usd": None,
    "storage_usd": None,
}
SPREAD = CostSpread(0.05, 0.04, 0.07, 1000)


def sums(usd: list[float], weights: list[float]) -> dict[str, Any]:
    x, w = np.array(usd), np.array(weights)
    moments = {"squares": (w * w).sum(), "squares_usd": (w * w * x).sum(), "squares_usd_usd": (w * w * x * x).sum()}
    return {"costed": len(usd), "weight": w.sum(), "weighted": (w * x).sum(), **moments}


def hardware(busy: str | None, whole: str | None) -> dict[str, Any]:
    return {
        "cost_usd": None if busy is None else Decimal(busy),
        "cost_usd_with_idle": None if whole is None else Decimal(whole),
    }


COSTS = st.lists(st.tuples(st.floats(0, 1), st.sampled_from([1.0, 5.0])), min_size=300, max_size=340)


@given(COSTS)
def test_the_interval_of_the_cost_of_a_request_is_that_of_a_ratio_of_weighted_sums(
    drawn: list[tuple[float, float]],
) -> None:
    usd, weights = [each[0] for each in drawn], [each[1] for each in drawn]
    found = cost_spread(sums(usd, weights))
    x, w = np.array(usd), np.array(weights)
    mean = np.average(x, weights=w)
    error = np.sqrt((w * w * (x - mean) ** 2).sum()) / w.sum()
    assert found.usd == pytest.approx(mean)
    assert (found.low, found.high) == pytest.approx((max(mean - 1.96 * error, 0), mean + 1.96 * error), abs=1e-4)


@pytest.mark.parametrize(("n", "known"), [(29, 0), (30, 1), (299, 1), (300, 3)])
def test_few_requests_have_no_interval_and_fewer_no_cost(n: int, known: int) -> None:
    found = cost_spread(sums([0.1, 0.3] * n, [1.0] * 2 * n) | {"costed": n})
    assert sum(each is not None for each in (found.usd, found.low, found.high)) == known


# Hours of a GPU are paid whether or not it is busy: https://github.com/OpenAgentsInc/openagents/issues/6267
def test_own_hardware_is_fixed_with_its_idle_time_and_no_part_of_the_variable_cost() -> None:
    found = curve_figures(CONTROL, SPREAD, [hardware("30", "400")], 50, MONTH)
    assert (found["fixed_usd_per_month"], found["hardware_usd"]) == pytest.approx((450, 400))
    assert [found[f"variable_{end}"] for end in ("usd", "low", "high")] == pytest.approx([0.02, 0.01, 0.04])
    assert found["usd_per_month"] == pytest.approx(450 + 1000 * 0.02)
    assert found["usd_per_1000_requests"] == pytest.approx(470)


@pytest.mark.parametrize("days", [1, 7, 61])
def test_the_fixed_part_of_a_window_is_scaled_to_a_month_and_so_is_its_volume(days: int) -> None:
    control = CONTROL | {"engineer_usd": 70.0, "rated_share": 1.0}
    found = curve_figures(control, SPREAD, [], 5, timedelta(days=days))
    assert found["fixed_usd_per_month"] == pytest.approx(70 * DAYS_PER_MONTH / days + 5)
    assert found["requests_per_month"] == pytest.approx(1000 * DAYS_PER_MONTH / days)
    assert found["variable_usd"] == pytest.approx(0.05)


def test_storage_with_a_price_is_part_of_the_variable_cost() -> None:
    found = curve_figures(CONTROL | {"storage_usd": 10.0}, SPREAD, [], 0, MONTH)
    assert found["variable_usd"] == pytest.approx(0.06)


@pytest.mark.parametrize(
    ("control", "own", "unknown"),
    [
        ({"priced_share": 0.9}, hardware("1", "2"), {"variable_usd", "usd_per_month"}),
        ({"rated_share": 0.5, "engineer_usd": 9.0}, hardware("1", "2"), {"fixed_usd_per_month", "usd_per_month"}),
        ({}, hardware("1", None), {"fixed_usd_per_month", "hardware_usd", "usd_per_month"}),
    ],
)
def test_a_part_that_is_not_known_makes_the_sum_unknown_and_not_smaller(
    control: dict[str, Any], own: dict[str, Any], unknown: set[str]
) -> None:
    found = curve_figures(CONTROL | control, SPREAD, [own], 0, MONTH)
    assert unknown <= {name for name, value in found.items() if value is None}
