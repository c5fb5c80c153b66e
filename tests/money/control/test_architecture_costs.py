"""The cost of a request, the curve of an architecture and where two cross, against arithmetic and plain searches."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.charts import DARK, monthly_cost_lines
from controlsurface.money.control.architecture_costs import CostSpread, cost_spread, curve_figures
from controlsurface.money.control.cost_curve import DAYS_PER_MONTH, CostLine, crossing_text, find_crossing
from tests.charts.plotly_validation import checked

MOST = 4096  # requests a month that are searched, one by one
LINES = st.builds(CostLine, st.just("?"), st.integers(0, 512), st.integers(0, 16))
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


def named(one: CostLine, other: CostLine) -> tuple[CostLine, CostLine]:
    return CostLine("a", one.fixed_usd, one.usd_per_request), CostLine("b", other.fixed_usd, other.usd_per_request)


@given(LINES, LINES)
def test_a_crossing_is_where_a_search_over_all_volumes_finds_the_cheaper_one_change(
    one: CostLine, other: CostLine
) -> None:
    a, b = named(one, other)
    gaps = [(a.monthly(q) or 0) - (b.monthly(q) or 0) for q in range(MOST)]
    changes = [q for q, (before, now) in enumerate(pairwise(gaps)) if before * now < 0 or (now == 0 and before != 0)]
    found = find_crossing(a, b)
    assert len(changes) <= 1
    assert (found.requests is not None) == bool(changes)
    if found.requests is not None:
        assert changes[0] < found.requests <= changes[0] + 1
        assert [found.below, found.above] == (["a", "b"] if gaps[0] < 0 else ["b", "a"])
    else:
        cheaper = "a" if gaps[-1] < 0 else "b" if gaps[-1] > 0 else None
        assert found.below == found.above == cheaper


@given(LINES, LINES, st.integers(0, 4), st.integers(0, 4))
def test_the_interval_of_a_crossing_holds_those_of_all_costs_within_their_intervals(
    one: CostLine, other: CostLine, wide: int, wider: int
) -> None:
    spread = [
        CostLine(name, line.fixed_usd, cost, max(cost - by, 0), cost + by)
        for name, line, by in (("a", one, wide), ("b", other, wider))
        if (cost := line.usd_per_request) is not None
    ]
    found = find_crossing(spread[0], spread[1])
    corners = [
        find_crossing(CostLine("a", one.fixed_usd, x), CostLine("b", other.fixed_usd, y)).requests
        for x, y in product(spread[0].ends, spread[1].ends)
    ]
    for each in (corner for corner in corners if corner is not None):
        assert found.low is not None
        assert found.low <= each * (1 + 1e-9)
        assert found.high is None or each <= found.high * (1 + 1e-9)
    if found.requests is not None and None in corners:
        assert found.high is None  # somewhere in the intervals they do not meet


@pytest.mark.parametrize("unknown", [CostLine("b", None, 1), CostLine("b", 1, None)])
def test_an_unknown_cost_is_no_cost_of_zero_and_gives_no_crossing(unknown: CostLine) -> None:
    found = find_crossing(CostLine("a", 10, 1), unknown)
    assert (found.requests, found.below) == (None, None)
    assert "of b is not known" in crossing_text(found)


def test_a_crossing_is_said_with_what_its_intervals_leave_open() -> None:
    text = crossing_text(find_crossing(CostLine("a", 0, 3, 2, 4), CostLine("b", 100, 1, 0.5, 2)))
    assert text == "a costs less up to 50 requests a month, b from there on (95 %: 28.6 to no upper bound)."
    text = crossing_text(find_crossing(CostLine("a", 0, 1, 0.5, 2), CostLine("b", 100, 1, 0.5, 1.5)))
    assert text == (
        "No crossing: a costs less at any volume. Within the intervals of their costs one can lie above 66.7 "
        "requests a month."
    )


def test_the_lines_of_monthly_cost_are_a_figure_that_plotly_can_draw() -> None:
    lines = [CostLine("a", 0, 3, 2, 4), CostLine("b", 100, 1)]
    figure = monthly_cost_lines(lines, DARK, most=100, crossing=50)
    checked(figure)
    assert figure.layout["shapes"][0]["x0"] == 50
    assert [trace["y"][-1] for trace in figure.data if "name" in trace] == [300, 200]
