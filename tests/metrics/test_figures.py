"""The figures are right: against plain Python over the same rows, and against the laws of sums."""

from collections import defaultdict
from math import isclose, sqrt
from statistics import quantiles
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.query.dimensions import SHARED_DIMENSIONS
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

Row = dict[str, Any]
ABOUT_ALL = [metric for metric in CATALOG.values() if metric.source in {"requests", "attempts"}]  # share dimensions
ADDITIVE = sorted(metric.id for metric in ABOUT_ALL if metric.kind == "sum")
dimensions = st.lists(st.sampled_from(SHARED_DIMENSIONS), max_size=4, unique=True)
shared = sorted(metric.id for metric in ABOUT_ALL)


def figures(reader: LocalClient, metric: str, **more: Any) -> list[Row]:
    return reader.run(MetricQuery(MetricArgs(metric=metric, **more))).rows.to_pylist()


def only(reader: LocalClient, metric: str, **more: Any) -> Row:
    (row,) = figures(reader, metric, **more)
    return row


@pytest.fixture(scope="module")
def requests(store: DuckStore) -> list[Row]:
    return store.state("SELECT * FROM requests").to_pylist()


@pytest.fixture(scope="module")
def attempts(store: DuckStore) -> list[Row]:
    return store.state("SELECT * FROM attempts").to_pylist()


def test_requests_without_a_known_lane_are_not_in_the_escalation_rate(reader: LocalClient, requests: list[Row]) -> None:
    known = [row["escalated"] for row in requests if row["escalated"] is not None]
    row = only(reader, "escalation_rate")
    assert len(known) < len(requests)
    assert row["n"] == len(known)
    assert isclose(row["value"], sum(known) / len(known))


def test_the_kinds_of_escalation_add_up_to_the_escalation_rate(reader: LocalClient) -> None:
    kinds = [only(reader, f"escalation_rate_{kind}")["value"] for kind in ("routed", "cascaded", "fallback")]
    assert isclose(sum(kinds), only(reader, "escalation_rate")["value"])


def test_cost_is_the_exact_sum_of_the_attempts(reader: LocalClient, attempts: list[Row]) -> None:
    total = sum(row["cost_usd"] for row in attempts if row["cost_usd"] is not None)
    assert only(reader, "cost")["value"] == float(total)


def test_the_priced_share_counts_billable_attempts_only(reader: LocalClient, attempts: list[Row]) -> None:
    billable = [row["cost_usd"] is not None for row in attempts if row["billable"]]
    assert len(billable) < len(attempts)
    assert isclose(only(reader, "cost")["priced_share"], sum(billable) / len(billable))
    assert only(reader, "unpriced_attempts")["value"] == len(billable) - sum(billable)


def test_overhead_has_a_priced_share_of_its_own(reader: LocalClient, attempts: list[Row]) -> None:
    billable = [row["cost_usd"] is not None for row in attempts if row["billable"] and row["purpose"] != "user"]
    assert isclose(only(reader, "overhead_cost")["priced_share"], sum(billable) / len(billable))


def test_the_near_threshold_range_includes_its_edges() -> None:
    store = DuckStore.in_memory()
    pairs = [(0.75, 0.70), (0.65, 0.70), (0.7501, 0.70), (0.6499, 0.70), (None, 0.70), (0.70, None)]
    put(store, [{"confidence": confidence, "threshold": threshold} for confidence, threshold in pairs])
    row = only(LocalClient(store), "confidence_knife_edge")
    assert (row["value"], row["n"]) == (0.5, 4)
    store.close()


@pytest.mark.parametrize(("metric", "q"), [("latency_p50", 0.5), ("latency_p95", 0.95), ("latency_p99", 0.99)])
def test_quantiles_of_rows_are_exact(reader: LocalClient, requests: list[Row], metric: str, q: float) -> None:
    known = [row["duration_ms"] for row in requests if row["duration_ms"] is not None]
    row = only(reader, metric)
    assert row["n"] == len(known)
    assert isclose(row["value"], quantiles(known, n=100, method="inclusive")[round(q * 100) - 1])


def test_a_session_is_escalated_when_one_of_its_requests_is(reader: LocalClient, requests: list[Row]) -> None:
    known = {row["session_id"] for row in requests if row["escalated"] is not None} - {None}
    escalated = {row["session_id"] for row in requests if row["escalated"]} - {None}
    row = only(reader, "escalation_rate_session")
    assert (row["value"], row["n"]) == (len(escalated) / len(known), len(known))


def test_shares_of_a_bucket_add_up_to_one(reader: LocalClient) -> None:
    for metric in ("request_share", "cost_share"):
        sums: dict[object, float] = defaultdict(float)
        for row in figures(reader, metric, by=["lane", "tenant"], every="1d"):
            sums[row["bucket"]] += row["value"] or 0
        assert len(sums) > 7
        assert all(isclose(total, 1) for total in sums.values())


@given(dimensions, st.sampled_from(ADDITIVE))
def test_the_groups_of_an_additive_metric_add_up_to_its_total(reader: LocalClient, by: list[str], metric: str) -> None:
    groups = figures(reader, metric, by=by)
    total = only(reader, metric)
    assert isclose(sum(row["value"] or 0 for row in groups), total["value"])
    assert sum(row["n"] for row in groups) == total["n"]


@given(dimensions, st.sampled_from(shared), st.randoms())
def test_the_order_of_dimensions_changes_only_the_order_of_rows(
    reader: LocalClient, by: list[str], metric: str, random: Any
) -> None:
    shuffled = random.sample(by, len(by))
    rows, others = (
        sorted(figures(reader, metric, by=order), key=lambda row: [str(row[name]) for name in by])
        for order in (by, shuffled)
    )
    assert [row for row, other in zip(rows, others, strict=True) if not same(row, other)] == []


def same(row: Row, other: Row) -> bool:
    """Whether two rows differ in no more than the order in which threads added their floats."""
    return row.keys() == other.keys() and all(close(value, other[name]) for name, value in row.items())


def close(value: object, other: object) -> bool:
    """1 - x / y may be 1e-16 instead of 0, and of either sign."""
    if isinstance(value, float) and isinstance(other, float):
        return isclose(value, other, rel_tol=1e-9, abs_tol=1e-12)
    return value == other


def test_buckets_add_up_to_the_window(reader: LocalClient) -> None:
    window = {"start": "2026-01-03", "end": "2026-01-06"}
    buckets = figures(reader, "requests", every="45m", **window)
    assert sum(row["value"] for row in buckets) == only(reader, "requests", **window)["value"]


def test_a_bucket_without_requests_is_missing(store: DuckStore) -> None:
    sparse = DuckStore.in_memory()
    put(sparse, [{"started_at": f"2026-01-01 {hour:02}:30:00"} for hour in (1, 4, 4)])
    rows = figures(LocalClient(sparse), "requests", every="1h")
    assert [(row["bucket"].isoformat(), row["value"]) for row in rows] == [
        ("2026-01-01T01:00:00+00:00", 1),
        ("2026-01-01T04:00:00+00:00", 2),
    ]
    sparse.close()


def test_an_unknown_dimension_value_is_null_and_can_be_filtered_for(reader: LocalClient, requests: list[Row]) -> None:
    unknown = sum(row["tenant"] is None for row in requests)
    by_tenant = {row["tenant"]: row["value"] for row in figures(reader, "requests", by=["tenant"])}
    assert by_tenant[None] == unknown
    assert only(reader, "requests", where=["tenant:"])["value"] == unknown


def test_where_filters_are_or_within_a_dimension_and_and_across(reader: LocalClient, requests: list[Row]) -> None:
    where = ["tenant:acme", "tenant:", "lane:large"]
    wanted = sum(row["tenant"] in {"acme", None} and row["lane"] == "large" for row in requests)
    assert only(reader, "requests", where=where)["value"] == wanted


def test_sample_weights_blow_counts_up_but_not_the_certainty(sampled: LocalClient) -> None:
    row = only(sampled, "escalation_rate")
    assert only(sampled, "requests")["value"] > 3 * 1_000 > only(sampled, "requests")["n"]
    assert row["high"] - row["low"] > 2 * 1.96 * sqrt(row["value"] * (1 - row["value"]) / row["n"])


def test_disagreement_is_weighted_by_how_rarely_a_request_is_shadowed(store: DuckStore, reader: LocalClient) -> None:
    rows = store.state("SELECT *, answer_label <> shadow_label AS differ FROM comparisons").to_pylist()
    weights = [1 / (row["sampling_probability"] or 1) for row in rows]
    disagreed = sum(weight for weight, row in zip(weights, rows, strict=True) if row["differ"])
    row = only(reader, "disagreement_rate")
    assert (row["n"], {row["sampling_probability"] for row in rows}) == (len(rows), {0.01, 0.05, None})
    assert isclose(row["value"], disagreed / sum(weights))
    assert row["high"] - row["low"] > only(reader, "error_rate", where=["task_type:code"])["high"]
