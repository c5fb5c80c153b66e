"""What is different: the planted cause comes first, and what is explained adds up to what moved."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from math import isclose
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.queries.contributor_result import ContributorsQuery
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.errors import BadRequest, UnknownName
from controlsurface.metrics.contributors import contributor_query
from controlsurface.metrics.contributors.contributor_query import (
    ContributorsArgs,
    divided_measures,
    render_contributors,
)
from controlsurface.metrics.measures import SPREADS
from controlsurface.metrics.queries.metric_query import MetricArgs, find_metric
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed
from tests.stores import put

DAY = timedelta(days=1)
BEFORE = {"baseline_start": NOW - 6 * DAY, "baseline_end": NOW - 2 * DAY}
WINDOWS: dict[str, Any] = {"start": NOW - 2 * DAY, "end": NOW, **BEFORE}
EVERY = ContributorsArgs.model_json_schema()["properties"]["metric"]["enum"]
# One of each sort: where its rows come from, whether it counts or adds, what in, and whether it has a denominator.
EXPLAINABLE = list(
    {(each.source, each.kind, each.unit): each.id for each in map(find_metric, EVERY)}.values(),
)
CAUSES = {
    "escalation_rate": "escalated = true",
    "error_rate": "failed = true",
    "latency_mean": "duration_ms = 60000",
    "cost_per_request": "cost_usd = 1",
    "latency_p95": "duration_ms = 60000",
}
ASKED = {"task_type", "tenant", "team", "environment", "service"}


def rows(reader: LocalClient, metric: str, **more: Any) -> list[dict[str, Any]]:
    return reader.run(ContributorsQuery(ContributorsArgs(metric=metric, **WINDOWS | more))).rows.to_pylist()


@pytest.mark.parametrize("metric", CAUSES)
def test_a_planted_cause_comes_first(metric: str) -> None:
    store = DuckStore.in_memory()
    seed(store, n=3_000, end=NOW)
    with store.writing() as writing:
        hit = "task_type = 'extraction' AND tenant = 'acme' AND started_at >= $since"
        writing.execute(
            f"UPDATE requests SET {CAUSES[metric]} WHERE {hit}",
            {"since": (NOW - 2 * DAY).replace(tzinfo=None)},
        )
    found = [(row["dimension"], row["value"]) for row in rows(LocalClient(store), metric) if row["dimension"] in ASKED]
    assert found[0] == ("task_type", "extraction")
    assert ("tenant", "acme") in found[:4]
    store.close()


def test_a_model_that_became_slow_comes_first() -> None:
    store = DuckStore.in_memory()
    seed(store, n=3_000, end=NOW)
    (slow,) = store.state("SELECT mode(answered_by) AS name FROM requests")["name"].to_pylist()
    with store.writing() as writing:
        sql = "UPDATE requests SET duration_ms = 20 * duration_ms WHERE answered_by = $slow AND started_at >= $since"
        writing.execute(sql, {"slow": slow, "since": (NOW - 2 * DAY).replace(tzinfo=None)})
    found = [row["value"] for row in rows(LocalClient(store), "latency_mean") if row["dimension"] != "router_version"]
    assert found[0] == slow
    store.close()


@pytest.mark.parametrize("metric", EXPLAINABLE)
def test_mix_and_rate_add_up_to_the_whole_change(metric: str, store: DuckStore, monkeypatch: Any) -> None:
    monkeypatch.setattr(contributor_query, "MIN_SUPPORT_ROWS", 0)
    statement = render_contributors(ContributorsArgs(metric=metric, **WINDOWS), above=900)
    whole, *values = store.state(statement.sql, statement.parameters).to_pylist()
    for name, found in grouped(values).items():
        total = sum(row["mix"] + row["rate"] for row in found)
        assert isclose(total, moved(whole), rel_tol=1e-6, abs_tol=1e-9 * (1 + abs(whole["after"]))), name


@given(st.integers(0, 7 * 24), st.integers(1, 48), st.integers(0, 48), st.integers(1, 96), st.sampled_from(EXPLAINABLE))
@settings(max_examples=15)
def test_every_contribution_is_its_mix_and_its_rate(
    reader: LocalClient, ago: int, length: int, gap: int, baseline: int, metric: str
) -> None:
    end = NOW - timedelta(hours=ago)
    start = end - timedelta(hours=length)
    until = start - timedelta(hours=gap)
    windows = {"baseline_start": until - timedelta(hours=baseline), "baseline_end": until, "start": start, "end": end}
    for row in rows(reader, metric, **windows):
        assert isclose(row["delta"], row["mix"] + row["rate"], abs_tol=1e-9)
        if find_metric(metric).kind in {"ratio", "quantile"}:
            assert max(row["n"], row["n_before"]) >= contributor_query.MIN_SUPPORT_ROWS


QUANTILES = [metric for metric in EVERY if find_metric(metric).kind == "quantile"]


@pytest.mark.parametrize("metric", QUANTILES)
def test_a_quantile_is_explained_by_the_share_above_that_of_the_baseline(
    metric: str, reader: LocalClient, store: DuckStore
) -> None:
    answer = reader.run(ContributorsQuery(ContributorsArgs(metric=metric, **WINDOWS)))
    bound = value(reader, metric, BEFORE["baseline_start"], BEFORE["baseline_end"])["value"]
    source, (of, _) = find_metric(metric).source, divided_measures(find_metric(metric))
    column = SPREADS[find_metric(metric).source][of]
    within = "r.started_at >= $start AND r.started_at < $end"
    counted = f"SELECT avg(({column} > $above)::INT) AS share FROM {source} AS r WHERE {within}"
    window = {"start": (NOW - 2 * DAY).replace(tzinfo=None), "end": NOW.replace(tzinfo=None)}
    (share,) = store.state(counted, window | {"above": bound})["share"].to_pylist()
    assert (answer.above, answer.unit) == (bound, "ratio")
    assert answer.after == pytest.approx(share)
    assert answer.compared is not None
    assert "of the baseline" in answer.compared


@pytest.mark.parametrize("metric", [metric for metric in EXPLAINABLE if metric not in QUANTILES])
def test_the_whole_change_of_contributors_is_that_of_the_metric(metric: str, reader: LocalClient) -> None:
    answer = reader.run(ContributorsQuery(ContributorsArgs(metric=metric, **WINDOWS)))
    now = value(reader, metric, NOW - 2 * DAY, NOW)
    before = value(reader, metric, BEFORE["baseline_start"], BEFORE["baseline_end"])
    scale = 1 if divided_measures(find_metric(metric))[1] else 0.5
    assert isclose(answer.after or 0, now["value"], rel_tol=1e-9)
    assert isclose(answer.before or 0, before["value"] * scale, rel_tol=1e-9)
    assert (answer.n, answer.n_before) == (now["n"], before["n"])


def test_a_dimension_of_two_values_is_one_row() -> None:
    store = DuckStore.in_memory()
    put(store, [request(i, router_version="v2" if i >= 100 else "v1", escalated=i % 2 == 0) for i in range(200)])
    found = rows(LocalClient(store), "escalation_rate")
    assert [(row["dimension"], row["value"], row["n"], row["n_before"]) for row in found] == [
        ("router_version", "v2", 100, 0)
    ]
    store.close()


def test_a_dimension_that_says_the_same_is_marked_with_what_it_repeats() -> None:
    store = DuckStore.in_memory()
    put(store, [request(i, team="abc"[i % 3], tenant="xyz"[i % 3], escalated=i % 3 == i // 100) for i in range(300)])
    found = rows(LocalClient(store), "escalation_rate", baseline_start=NOW - 6 * DAY)
    same = {f"{row['dimension']}:{row['value']}": row["same_as"] for row in found}
    assert {same["tenant:x"], same["tenant:y"]} <= {"team:a", "team:b"} or {same["team:a"], same["team:b"]} <= {
        "tenant:x",
        "tenant:y",
    }
    assert [row["same_as"] is None for row in found] == [True] * 3 + [False] * 3
    store.close()


def test_dimensions_that_filters_fix_or_the_metric_is_made_of_are_left_out(reader: LocalClient) -> None:
    found = {row["dimension"] for row in rows(reader, "escalation_rate", where=["tenant:acme"])}
    assert not found & {"tenant", "lane", "escalation_kind", "selected_lane"}
    assert found


def test_unknown_values_are_ranked_like_others(reader: LocalClient) -> None:
    found = rows(reader, "requests", limit=1000)
    assert any(row["value"] is None for row in found)


@pytest.mark.parametrize("metric", EXPLAINABLE)
def test_empty_windows_are_an_empty_answer(metric: str, empty: LocalClient) -> None:
    answer = empty.run(ContributorsQuery(ContributorsArgs(metric=metric, **WINDOWS)))
    assert (answer.rows.num_rows, answer.values, answer.n, answer.n_before, answer.after) == (0, 0, 0, 0, None)


def test_contributors_are_empty_against_a_baseline_without_rows(reader: LocalClient) -> None:
    long_ago = {"baseline_start": NOW - 900 * DAY, "baseline_end": NOW - 800 * DAY}
    answer = reader.run(ContributorsQuery(ContributorsArgs(metric="escalation_rate", **WINDOWS | long_ago)))
    assert answer.before is None
    assert answer.delta is None
    assert answer.rows.num_rows == 0


def test_a_shorter_list_of_contributors_says_how_many_there_are(reader: LocalClient) -> None:
    few, many = (
        reader.run(ContributorsQuery(ContributorsArgs(metric="cost", limit=limit, **WINDOWS))) for limit in (2, 1000)
    )
    assert few.rows.num_rows == 2
    assert few.values == many.values == many.rows.num_rows


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"metric": "request_share"}, "'request_share' is no total, mean, share or quantile of rows"),
        ({"start": "2026-01-09T13:00:00Z"}, "lies before start"),
        ({"baseline_end": "2026-01-01"}, "lies before baseline_start"),
        ({"baseline_end": NOW - DAY}, "the baseline overlaps the selection"),
        ({"where": ["lanes:x"]}, "did you mean 'lane'?"),
        ({"where": ["lane"]}, "is not dimension:value"),
        ({"limit": 0}, "limit: "),
        ({"support": 1}, "support: no such argument"),
    ],
)
def test_an_impossible_comparison_is_refused(arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(BadRequest) as refused:
        render_contributors(ContributorsArgs(**{"metric": "escalation_rate", **WINDOWS, **arguments}))
    assert problem in str(refused.value)


def test_an_unknown_metric_is_an_error_of_its_own() -> None:
    with pytest.raises(UnknownName):
        render_contributors(ContributorsArgs(metric="nonsense", **WINDOWS))


def request(number: int, **columns: Any) -> dict[str, Any]:
    """A request of the baseline, or from the hundredth on of the selection."""
    at = datetime(2026, 1, 8, tzinfo=UTC) if number >= 100 else datetime(2026, 1, 5, tzinfo=UTC)
    return {"started_at": at + timedelta(seconds=number)} | columns


def grouped(values: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for row in values:
        found[row["dimension"]].append(row)
    return found


def moved(whole: dict[str, Any]) -> float:
    return float(whole["after"] - whole["before"])


def value(reader: LocalClient, metric: str, start: datetime, end: datetime) -> dict[str, Any]:
    (row,) = reader.run(MetricQuery(MetricArgs(metric=metric, start=start, end=end))).rows.to_pylist()
    return {**row, "value": row["value"] or 0.0}
