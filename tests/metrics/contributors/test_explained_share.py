"""What a value explains of a change: all values explain the whole, the bound holds, and only real causes are named."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.queries.contributor_result import ContributorResult, ContributorsQuery
from controlsurface.metrics.contributors.contributor_query import ContributorsArgs
from controlsurface.metrics.contributors.contributor_ranking import SplitSums
from controlsurface.metrics.contributors.explained_share import add_sums, change_z, explained_share
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW
from tests.stores import put

HOUR = timedelta(hours=1)
AMOUNT = st.floats(0, 100, allow_subnormal=False)
Rows = Sequence[tuple[float, float]]  # part and whole of each


def sums_of(before: Rows, after: Rows) -> SplitSums:
    """The sums as SQL makes them, row by row in Python."""
    sides = [
        {
            "n": len(rows),
            "whole": sum(w for _, w in rows),
            "part": sum(p for p, _ in rows),
            "squares": sum(p * p for p, _ in rows),
            "products": sum(p * w for p, w in rows),
            "weights": sum(w * w for _, w in rows),
        }
        for rows in (after, before)
    ]
    return SplitSums(**{f"{key}_{side}": float(sides[1 - side][key]) for key in sides[0] for side in (1, 0)})


def shares(before: Sequence[Rows], after: Sequence[Rows], scale: float | None = None) -> list[Any]:
    parts = [sums_of(*pair) for pair in zip(before, after, strict=True)]
    return [explained_share(each, add_sums(parts), scale) for each in parts]


@given(
    st.lists(
        st.tuples(*[st.lists(st.tuples(AMOUNT, st.floats(0.1, 3)), min_size=1, max_size=6)] * 2), min_size=1, max_size=5
    ),
    st.sampled_from([None, 1.0, 0.25]),
)
def test_the_contributions_of_all_values_are_the_whole_change(
    values: list[tuple[Rows, Rows]], scale: float | None
) -> None:
    before, after = zip(*values, strict=True)
    found = shares(before, after, scale)
    part_1, part_0 = (sum(p for rows in side for p, _ in rows) for side in (after, before))
    rows_1, rows_0 = (sum(w for rows in side for _, w in rows) for side in (after, before))
    change = part_1 - part_0 * (rows_1 / rows_0 if scale is None else scale)
    assert sum(each.excess for each in found) == pytest.approx(change, abs=1e-6 * (part_1 + part_0 + 1))
    if all(each.share is not None for each in found):
        assert sum(each.share for each in found) == pytest.approx(1, abs=1e-3)


def test_a_value_explains_what_it_has_more_than_at_the_old_rate_and_mix() -> None:
    before = [[(0, 1)] * 90 + [(1, 1)] * 10, [(0, 1)] * 95 + [(1, 1)] * 5]
    after = [[(0, 1)] * 60 + [(1, 1)] * 40, [(0, 1)] * 92 + [(1, 1)] * 8]
    first, second = shares(before, after)
    assert (first.excess, second.excess) == pytest.approx((30, 3))
    assert (first.share, second.share) == pytest.approx((30 / 33, 3 / 33))
    assert first.low < 30 / 33 < first.high


def test_the_bound_of_an_explained_share_holds_the_truth_nineteen_times_in_twenty() -> None:
    random, hits = np.random.default_rng(7), 0
    for _ in range(400):
        sides = [
            [random.random(n) < p for n, p in zip((150, 250), rates, strict=True)]
            for rates in ((0.1, 0.1), (0.5, 0.15))
        ]
        before, after = ([[(float(x), 1.0) for x in group] for group in side] for side in sides)
        found = shares(before, after)[0]
        truth = (0.375 * 0.4) / (0.375 * 0.4 + 0.625 * 0.05)
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 400 <= 0.985


@pytest.mark.parametrize("n", [3, 40])
def test_a_change_within_chance_is_explained_by_nobody(n: int) -> None:
    before, after = [[(0, 1)] * n + [(1, 1)]], [[(0, 1)] * n + [(1, 1)] * 2]
    assert shares(before, after)[0].share is None


def test_the_change_of_a_share_in_standard_errors_is_that_of_two_proportions() -> None:
    found = change_z(sums_of([(1.0, 1.0)] * 20 + [(0.0, 1.0)] * 180, [(1.0, 1.0)] * 60 + [(0.0, 1.0)] * 140), None)
    assert found == pytest.approx((0.3 - 0.1) / np.sqrt(0.3 * 0.7 / 200 + 0.1 * 0.9 / 200))


def told(
    rows: Sequence[dict[str, Any]], metric: str = "escalation_rate", where: tuple[str, ...] = ()
) -> ContributorResult:
    """What is said of the last hour against the hour before it; rows with `late` lie in the last hour."""
    store = DuckStore.in_memory()
    at = {True: NOW - HOUR / 2, False: NOW - 3 * HOUR / 2}
    put(store, [{"started_at": at[row.pop("late")].replace(tzinfo=None), **row} for row in map(dict, rows)])
    asked = ContributorsArgs(
        metric=metric, start=NOW - HOUR, end=NOW, baseline_start=NOW - 2 * HOUR, baseline_end=NOW - HOUR, where=where
    )
    found = LocalClient(store).run(ContributorsQuery(asked))
    store.close()
    return found


def many(n: int, hits: int, /, **about: Any) -> list[dict[str, Any]]:
    return [{**about, "escalated": i < hits, "lane": "large" if i < hits else "small"} for i in range(n)]


def tenants(**late: tuple[int, int]) -> list[dict[str, Any]]:
    """Tenants of 100 requests and 10 escalations each; then each of so many and so many."""
    quiet = [row for name in late for row in many(100, 10, tenant=name or None, late=False)]
    return quiet + [row for name, (n, hits) in late.items() for row in many(n, hits, tenant=name or None, late=True)]


def test_two_tenants_that_explain_a_change_are_named_together() -> None:
    found = told(tenants(a=(100, 60), b=(100, 50), c=(100, 12), d=(100, 10)))
    first = found.leading[0]
    assert (first["dimension"], first["values"]) == ("tenant", ["a", "b"])
    assert first["share"] == pytest.approx(90 / 92)
    assert first["excess"] == pytest.approx(90)
    assert (first["before"], first["after"]) == pytest.approx((0.1, 0.55))


def test_values_that_all_moved_alike_are_named_by_nobody() -> None:
    assert told(tenants(a=(100, 40), b=(100, 41), c=(100, 39), d=(100, 40))).leading == []


def test_what_moved_by_chance_is_named_by_nobody() -> None:
    assert told(tenants(a=(100, 13), b=(100, 9), c=(100, 11), d=(100, 10))).leading == []


def test_too_few_requests_name_no_cause() -> None:
    rows = many(20, 2, tenant="a", late=False) + many(20, 18, tenant="a", late=True)
    assert told(rows).leading == []


def test_a_value_that_only_sends_more_at_the_usual_rate_is_no_cause() -> None:
    found = told(tenants(a=(400, 40), b=(100, 60), c=(100, 10)))
    assert found.leading[0]["values"] == ["b"]


def test_unknown_values_lead_only_where_they_are_what_moved() -> None:
    """Comparisons elsewhere had them in the top spots (metabase/metabase 6168)."""
    quiet = tenants(a=(100, 60), b=(100, 10))
    lost = [*many(300, 30, late=False), *many(300, 36, late=True)]
    assert told(quiet + lost).leading[0]["values"] == ["a"]
    grown = [*many(300, 30, late=False), *many(300, 150, late=True)]
    assert told([*tenants(a=(100, 10), b=(100, 10)), *grown]).leading[0]["values"] == [None]


@pytest.mark.parametrize("lost", [40, 100])
def test_an_attribute_that_is_no_longer_sent_is_no_cause(lost: int) -> None:
    """An attribute without values on one side was flagged as suspicious (getsentry/seer 2040)."""
    quiet = [row for t in "ab" for task in "xy" for row in many(50, 5, tenant=t, task_type=task, late=False)]
    loud = [
        {**row, "tenant": None if place < lost / 2 else row["tenant"]}
        for t in "ab"
        for task in "xy"
        for place, row in enumerate(many(50, 35 if task == "x" else 5, tenant=t, task_type=task, late=True)[::-1])
    ]
    first = told(quiet + loud).leading[0]
    assert (first["dimension"], first["values"]) == ("task_type", ["x"])


def test_two_causes_of_different_dimensions_are_both_named() -> None:
    quiet = [row for tenant in "abcd" for job in "wxyz" for row in many(50, 5, tenant=tenant, job=job, late=False)]
    loud = [
        row
        for tenant in "abcd"
        for job in "wxyz"
        for row in many(50, 40 if tenant == "a" else 25 if job == "w" else 5, tenant=tenant, job=job, late=True)
    ]
    found = [(each["dimension"], each["values"]) for each in told(quiet + loud).leading]
    assert found == [("tenant", ["a"]), ("job", ["w"])]


def test_a_new_version_that_others_make_up_for_leads_no_conclusion_about_its_task_type() -> None:
    """Its whole numerator is new, three times the change, because the old version's went with its requests."""
    quiet = [
        row
        for task, n in (("x", 4000), ("y", 16000))
        for row in many(n, n // 10, task_type=task, router_version="1", late=False)
    ]
    loud = [
        row
        for task, version, n, hits in (
            ("x", "1", 3200, 320),
            ("y", "1", 12800, 1280),
            ("x", "2", 800, 280),
            ("y", "2", 3200, 320),
        )
        for row in many(n, hits, task_type=task, router_version=version, late=True)
    ]
    first = told(quiet + loud).leading[0]
    assert (first["dimension"], first["values"], round(first["share"], 2)) == ("task_type", ["x"], 1.0)


def test_a_total_is_explained_by_sums_and_not_by_rows() -> None:
    rows = [{"tenant": t, "cost_usd": 0.01, "late": late} for t in "abc" for late in (True, False) for _ in range(50)]
    rows += [{"tenant": "a", "cost_usd": 3.0, "late": True} for _ in range(30)]
    found = told(rows, "cost_per_request")
    assert found.leading[0]["values"] == ["a"]
    assert found.leading[0]["share"] > 0.95
