"""A sum is explained by what was contributed, however few rows did it, and what is not shown is named."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.contributor_result import ContributorResult, ContributorsQuery, unexplained_change
from controlsurface.metrics.contributors.contributor_query import MIN_CHANGE_SHARE, ContributorsArgs
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOWS: dict[str, Any] = {
    "start": NOW - HOUR,
    "end": NOW,
    "baseline_start": NOW - 25 * HOUR,
    "baseline_end": NOW - HOUR,
}
SCALE = 1 / 24  # a day's baseline to an hour's selection
Row = dict[str, Any]


@pytest.fixture
def kept() -> Iterator[DuckStore]:
    store = DuckStore.in_memory()
    yield store
    store.close()


def call(at: datetime, usd: float, **columns: Any) -> Row:
    return {"started_at": at, "model": "m", "cost_usd": usd, "task_type": None, "team": None, "job": None} | columns


def usual() -> list[Row]:
    """100 calls an hour for a cent in all, over 25 hours."""
    random = Random(1)
    return [
        call(
            NOW - (25 - hour) * HOUR + timedelta(seconds=35 * i),
            0.01 / 100,
            task_type=random.choice(["chat", "code", "rag", "sql"]),
            team=random.choice("abc"),
            environment="production" if i % 50 else "test",
        )
        for hour in range(25)
        for i in range(100)
    ]


def late(n: int, usd: float, **columns: Any) -> list[Row]:
    """Calls of the last hour."""
    return [call(NOW - HOUR + timedelta(minutes=i), usd, environment="production", **columns) for i in range(n)]


def told(store: DuckStore, calls: list[Row], metric: str = "cost", **more: Any) -> ContributorResult:
    put(store, calls, "attempts")
    return LocalClient(store).run(ContributorsQuery(ContributorsArgs(metric=metric, **WINDOWS | more)))


def moved(calls: list[Row], name: str) -> Mapping[str | None, float]:
    """What each value of a dimension spent more than in an hour of the baseline, added up here."""
    found = defaultdict[str | None, float](float)
    for each in calls:
        found[each.get(name)] += each["cost_usd"] * (1 if each["started_at"] >= NOW - HOUR else -SCALE)
    return found


@pytest.mark.parametrize("task", [None, "code"], ids=["without a task type", "among the calls of a task type"])
@pytest.mark.parametrize(("n", "usd"), [(20, 12.0), (1, 240.0), (29, 0.01)])
def test_a_few_calls_that_cost_most_come_first(kept: DuckStore, task: str | None, n: int, usd: float) -> None:
    calls = [*usual(), *late(n, usd, job="runaway", task_type=task, team="a")]
    first, *rest = told(kept, calls).causes
    truth = moved(calls, "job")["runaway"]
    assert (first["dimension"], first["value"], first["n"]) == ("job", "runaway", n)
    assert first["delta"] == pytest.approx(truth)
    assert first["share"] == pytest.approx(truth / sum(moved(calls, "job").values()))
    assert first["excess"] == pytest.approx(truth)
    assert all(row["excess"] < first["excess"] for row in rest)


def test_a_large_value_that_only_holds_the_cause_explains_its_share_and_stands_behind(kept: DuckStore) -> None:
    found = told(kept, [*usual(), *late(20, 12, job="runaway", team="a")]).causes
    assert [row["dimension"] for row in found][:2] == ["job", "team"]
    (production,) = (row for row in found if row["dimension"] == "environment" and row["value"] == "production")
    assert production["share"] == pytest.approx(1, abs=1e-4)
    assert production["excess"] < 0.03 * production["delta"]  # it had 98 % of the cost before


def test_listed_contributions_and_the_unexplained_rest_are_the_whole_change(kept: DuckStore) -> None:
    random = Random(7)
    more = [call(NOW - HOUR + i * timedelta(seconds=5), random.expovariate(1), job=f"j{i % 40}") for i in range(600)]
    calls = [*usual(), *more]
    found = told(kept, calls, limit=12)
    truth = moved(calls, "job")
    assert found.delta == pytest.approx(sum(truth.values()))
    for name, rest in found.unexplained.items():
        listed = [row["delta"] for row in found.rows.to_pylist() if row["dimension"] == name]
        assert sum(listed) + rest == pytest.approx(found.delta), name
    jobs = [row["value"] for row in found.rows.to_pylist() if row["dimension"] == "job"]
    assert found.unexplained["job"] == pytest.approx(sum(usd for job, usd in truth.items() if job not in jobs))


def test_values_that_contribute_next_to_nothing_are_not_listed_however_many_rows_they_have(kept: DuckStore) -> None:
    calls = [*usual(), *late(20, 12, job="runaway", task_type="code")]
    tasks = {row["value"] for row in told(kept, calls).rows.to_pylist() if row["dimension"] == "task_type"}
    truth = moved(calls, "task_type")
    assert tasks == {
        task for task, usd in truth.items() if abs(usd) >= MIN_CHANGE_SHARE * sum(map(abs, truth.values()))
    }
    assert tasks == {"code"}


def test_a_job_that_stopped_explains_a_cost_that_fell(kept: DuckStore) -> None:
    before = [call(NOW - 20 * HOUR + i * HOUR, 12, job="nightly") for i in range(10)]
    first = told(kept, [*usual(), *before]).causes[0]
    assert (first["dimension"], first["value"]) == ("job", "nightly")
    assert first["delta"] == pytest.approx(-120 * SCALE)


def test_two_teams_that_moved_apart_and_leave_the_total_as_it_was_are_both_named(kept: DuckStore) -> None:
    before = [call(NOW - 24.5 * HOUR + i * HOUR, 1, environment="production", team="old") for i in range(24)]
    found = told(kept, [*usual(), *before, *late(1, 1.001, team="new")]).causes
    assert {(row["dimension"], row["value"]) for row in found[:2]} == {("team", "new"), ("team", "old")}


def test_a_cost_without_an_owner_is_named_unknown_and_not_left_to_the_few_that_have_one(kept: DuckStore) -> None:
    # nugget/thane-ai-agent, pull request 1605: a panel that ranked only calls with a loop id named a small one
    small, large = late(40, 0.05, job="small", task_type="sql", team="a"), late(60, 4, task_type="chat", team="b")
    calls = [*usual(), *small, *(each | {"tenant": "new"} for each in large)]
    found = told(kept, calls).causes
    jobs = [row for row in found if row["dimension"] == "job"]
    assert [row["value"] for row in jobs] == [None]
    assert jobs[0]["delta"] == pytest.approx(moved(calls, "job")[None])
    assert (found[0]["dimension"], found[0]["value"]) == ("tenant", "new")


def test_the_mean_of_a_sum_names_few_rows_too(kept: DuckStore) -> None:
    asked = [each | {"answered_by": each.pop("model"), "request_id": str(i)} for i, each in enumerate(usual())]
    few = [each | {"answered_by": each.pop("model")} for each in late(20, 12, job="runaway", task_type="code")]
    put(kept, [*asked, *few])
    found = LocalClient(kept).run(ContributorsQuery(ContributorsArgs(metric="cost_per_request", **WINDOWS)))
    first = found.causes[0]
    assert (first["dimension"], first["value"], first["n"]) == ("job", "runaway", 20)
    before, after = 0.01 / 100, (0.01 + 20 * 12) / 120  # a request, here by hand
    assert first["delta"] == pytest.approx((12 - (before + after) / 2) * 20 / 120)
    assert first["share"] == pytest.approx(first["delta"] / (after - before))


def test_the_unexplained_rest_is_given_for_each_dimension_shown() -> None:
    rows = [{"dimension": "job", "delta": 7.0}, {"dimension": "team", "delta": 9.0}, {"dimension": "job", "delta": 2.0}]
    assert unexplained_change(rows, 10.0) == {"job": 1.0, "team": 1.0}
    assert unexplained_change([], None) == {}


PUBLIC = {
    "multica-ai/multica, issue 4076: an autopilot that succeeds at every run": (25, 2.0, ("job", "autopilot")),
    "shepherdjerred/monorepo, pull request 2519: a model pin that was bumped": (6, 0.3, ("model", "glm-5")),
}


@pytest.mark.parametrize("case", PUBLIC)
def test_reported_spend_that_no_count_of_calls_shows_is_named_first(kept: DuckStore, case: str) -> None:
    n, usd, (name, value) = PUBLIC[case]
    calls = [*usual(), *(each | {name: value} for each in late(n, usd, task_type="chat", team="a"))]
    first = told(kept, calls).causes[0]
    assert (first["dimension"], first["value"], first["n"]) == (name, value, n)
    assert first["delta"] == pytest.approx(moved(calls, name)[value])
