"""Beside a leading cause, what only goes with it has nothing more to say, and what has keeps its place."""

from typing import Any

import pytest

from controlsurface.metrics.contributors.contributor_query import MIN_SUPPORT_ROWS
from controlsurface.metrics.contributors.contributor_ranking import SplitSums, excess_z, leading_contributor


def sums(n_0: int, rate_0: float, n_1: int, rate_1: float) -> SplitSums:
    """Rows of weight one of which a share is 1."""
    one, zero = n_1 * rate_1, n_0 * rate_0
    return SplitSums(n_1, n_0, n_1, n_0, one, zero, one, zero, one, zero, n_1, n_0)


WHOLE = sums(1000, 0.10, 1000, 0.25)


def test_a_value_that_moves_like_all_the_rest_has_no_excess() -> None:
    assert excess_z(sums(300, 0.10, 300, 0.25), WHOLE, None) == pytest.approx(0)
    assert excess_z(WHOLE, WHOLE, None) == pytest.approx(0)


def test_a_value_that_stays_while_others_move_has_no_excess() -> None:
    assert abs(excess_z(sums(400, 0.10, 400, 0.10), WHOLE, None)) < 1


def test_a_value_that_moves_more_than_its_due_has_an_excess() -> None:
    assert excess_z(sums(200, 0.10, 200, 0.85), WHOLE, None) > 8


def test_a_value_that_only_becomes_more_frequent_has_an_excess_by_its_mix() -> None:
    assert excess_z(sums(50, 0.9, 200, 0.9), WHOLE, None) > 7


def test_the_value_that_grew_has_the_excess_of_a_total() -> None:
    whole = sums(1000, 1, 1300, 1)
    assert excess_z(sums(100, 1, 400, 1), whole, 1.0) > 8
    assert excess_z(sums(900, 1, 900, 1), whole, 1.0) == 0


def test_an_empty_window_has_no_excess() -> None:
    assert excess_z(sums(0, 0, 10, 1), sums(0, 0, 100, 0.5), None) == 0


def row(own: SplitSums, z: float, **more: Any) -> dict[str, Any]:
    shares = {"share_before": own.n_0 / 1000, "share_after": own.n_1 / 1000}
    columns = {name: getattr(own, name) for name in SplitSums.__dataclass_fields__}
    return (
        {
            "dimension": "task_type",
            "value": "x",
            "z": z,
            "restates": False,
            "follows": False,
            "of_amounts": False,
            "excess": None,
        }
        | shares
        | columns
        | more
    )


def test_the_leading_contributor_is_sure_and_has_rows_on_both_sides_of_both_windows() -> None:
    whole, rollout = row(WHOLE, 0), row(sums(0, 0, 1000, 0.25), 20)
    few, good = row(sums(10, 0.1, 400, 0.4), 9), row(sums(200, 0.1, 200, 0.8), 8)
    assert leading_contributor([whole, rollout, few, good], MIN_SUPPORT_ROWS) is good
    assert leading_contributor([whole, rollout, few, good | {"follows": True}], MIN_SUPPORT_ROWS) is None
    assert leading_contributor([whole, good | {"z": 2.0}], MIN_SUPPORT_ROWS) is None
