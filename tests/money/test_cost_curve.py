"""Where the monthly costs of two architectures cross, against a plain search over volumes."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.charts import DARK, monthly_cost_lines
from controlsurface.money.cost_curve import CostLine, crossing_text, find_crossing
from tests.charts.plotly_validation import checked

MOST = 4096  # requests a month that are searched, one by one
LINES = st.builds(CostLine, st.just("?"), st.integers(0, 512), st.integers(0, 16))


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
