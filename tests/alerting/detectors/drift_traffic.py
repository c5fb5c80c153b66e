"""Requests of a simulated router for tests: few rows, each of which stands for many."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from controlsurface.alerting.detectors.statistics.count_baseline import BUCKET_S, DAY_S
from controlsurface.alerting.rules.rule_models import DriftRule
from controlsurface.arrays import Floats, Ints
from controlsurface.store.duckdb import DuckStore

START_S = 1_767_571_200  # Monday, 2026-01-05
DAY = DAY_S // BUCKET_S
BUCKET = timedelta(seconds=BUCKET_S)


def datetime_of_day(number: float) -> datetime:
    """A moment so many days after the beginning."""
    return datetime.fromtimestamp(START_S, UTC) + timedelta(days=number)


def escalations(store: DuckStore, task: str, days: tuple[float, float], rate: Floats | float, a_day: float) -> None:
    """Requests of one task, of which `rate` are escalated: two rows a bucket."""
    first, last = (int(each * DAY) for each in days)
    random = np.random.default_rng([first, len(task)])
    n = random.poisson(a_day / DAY, last - first)
    k = random.binomial(n, rate)
    at = (START_S + BUCKET_S * np.arange(first, last)) * 1_000_000
    for escalated, weight in ((True, k), (False, n - k)):
        insert_requests(store, at[weight > 0], weight[weight > 0].astype(float), task, escalated=escalated)


_REQUEST = (
    "INSERT INTO requests BY NAME SELECT uuid()::VARCHAR AS request_id, uuid() AS trace_id, 1 AS span_id, "
    "1 AS attempts, 0 AS failed_attempts, 1 AS steps, 0 AS retries, FALSE AS fell_back, "
    "FALSE AS failed, FALSE AS priced, * FROM given"
)


def insert_requests(store: DuckStore, at_us: Ints, weight: Floats, task: str, *, escalated: bool) -> None:
    """Rows as the derivation would write them, each with a weight."""
    whether = pa.array([escalated] * len(at_us))
    given = {"started_at": pa.array(at_us, pa.timestamp("us")), "escalated": whether, "sample_weight": weight}
    insert_rows(store, given | {"task_type": [task] * len(at_us), "lane": ["small"] * len(at_us)})


def insert_latencies(store: DuckStore, task: str, lane: str, latency_ms: Floats) -> None:
    """Requests of the first day that took so long."""
    n = len(latency_ms)
    at_us = (START_S + np.linspace(60, DAY_S - 600, n)).astype(np.int64) * 1_000_000
    given = {"started_at": pa.array(at_us, pa.timestamp("us")), "duration_ms": latency_ms}
    insert_rows(store, given | {"task_type": [task] * n, "lane": [lane] * n, "sample_weight": np.ones(n)})


def insert_rows(store: DuckStore, given: dict[str, object]) -> None:
    """Rows with these columns; the others are as of any request."""
    with store.writing() as writing:
        writing.attach("given", pa.table(given))
        writing.execute(_REQUEST)


def drift_rule(**more: object) -> DriftRule:
    """A drift rule on the escalation rate of each task."""
    given = {"alert": "EscalationDrift", "metric": "escalation_rate", "by": ["task_type"], "drift": {}}
    return DriftRule.model_validate(given | more)
