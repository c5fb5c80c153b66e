"""A region of a heatmap: what was planted inside is found, counted as by hand, and nothing is said of few rows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from controlsurface.client.local_client import LocalClient
from controlsurface.client.queries.region_result import RegionQuery, RegionResult
from controlsurface.errors import BadRequest
from controlsurface.metrics.contributors.region_query import RegionArgs
from controlsurface.store.duckdb import DuckStore
from tests.stores import put

START = datetime(2026, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """3,000 requests of a day; from 10 to 12 those of tenant acme, sent to model slow-1, take ten times as long."""
    random, found = np.random.default_rng(5), list[dict[str, Any]]()
    for _ in range(3000):
        at = START + timedelta(seconds=float(random.uniform(0, 86400)))
        tenant = str(random.choice(["acme", "beta", "gamma"]))
        slow = tenant == "acme" and 10 <= at.hour < 12
        found.append(
            {
                "started_at": at.replace(tzinfo=None),
                "tenant": tenant,
                "answered_by": "slow-1" if slow else "quick-1",
                "task_type": str(random.choice(["chat", "code"])),
                "lane": "small",
                "duration_ms": float(random.lognormal(5, 0.3)) * (10 if slow else 1),
            }
        )
    return found


@pytest.fixture(scope="module")
def store(rows: list[dict[str, Any]]) -> Iterator[DuckStore]:
    found = DuckStore.in_memory()
    put(found, rows)
    yield found
    found.close()


def region(store: DuckStore, **more: Any) -> RegionResult:
    given = {"start": START, "end": START + 24 * HOUR, "column": "latency_ms", "low": 800, "high": 10_000}
    given |= {"region_start": START + 10 * HOUR, "region_end": START + 12 * HOUR}
    return LocalClient(store).run(RegionQuery(RegionArgs.model_validate(given | more)))


def test_a_region_names_what_was_planted_in_it_first(store: DuckStore) -> None:
    first, second = region(store).rows.to_pylist()[:2]
    assert {(each["dimension"], each["value"]) for each in (first, second)} == {
        ("answered_by", "slow-1"),
        ("answered_by", "quick-1"),
    }
    assert ("tenant", "acme") in {(each["dimension"], each["value"]) for each in region(store).rows.to_pylist()}


def test_a_value_without_part_in_the_region_is_not_listed(store: DuckStore) -> None:
    assert "task_type" not in {each["dimension"] for each in region(store).rows.to_pylist()}


def test_shares_inside_and_outside_are_those_counted_by_hand(store: DuckStore, rows: list[dict[str, Any]]) -> None:
    inside = [row for row in rows if 10 <= row["started_at"].hour < 12 and 800 <= row["duration_ms"] <= 10_000]
    outside = [row for row in rows if row not in inside]
    found = region(store)
    (acme,) = (each for each in found.rows.to_pylist() if (each["dimension"], each["value"]) == ("tenant", "acme"))
    assert (found.n, found.n_outside) == (len(inside), len(outside))
    assert acme["share"] == pytest.approx(sum(row["tenant"] == "acme" for row in inside) / len(inside))
    assert acme["share_outside"] == pytest.approx(sum(row["tenant"] == "acme" for row in outside) / len(outside))
    assert acme["low"] < acme["difference"] < acme["high"]


def test_a_region_of_few_requests_has_no_rows_and_says_how_few(store: DuckStore) -> None:
    found = region(store, low=9_000)
    assert found.n < 30
    assert found.rows.num_rows == 0


def test_random_regions_say_next_to_nothing(store: DuckStore) -> None:
    quiet = [
        region(store, low=0, high=1e6, region_start=START + hour * HOUR, region_end=START + (hour + 1) * HOUR)
        for hour in range(9)
    ]
    assert sum(each.rows.num_rows for each in quiet) <= 2


def test_what_follows_from_a_confidence_does_not_explain_it(store: DuckStore) -> None:
    found = RegionArgs(column="confidence", low=0.1, high=0.2, region_start=START, region_end=START + HOUR)
    names = {each["dimension"] for each in LocalClient(store).run(RegionQuery(found)).rows.to_pylist()}
    assert not names & {"lane", "answered_by", "escalation_kind"}


def test_a_region_upside_down_is_refused() -> None:
    with pytest.raises(BadRequest, match="lies below low"):
        RegionArgs(column="confidence", low=0.9, high=0.2, region_start=START, region_end=START + HOUR)
