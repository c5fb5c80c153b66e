"""Requests of a simulated router for tests: few rows, each of which stands for many."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from controlsurface.alerting.baseline import BUCKET_S, DAY_S, Floats
from controlsurface.alerting.rules import DriftRule
from controlsurface.store.duckdb import DuckStore

START_S = 1_767_571_200  # Monday, 2026-01-05
DAY = DAY_S // BUCKET_S
BUCKET = timedelta(seconds=BUCKET_S)


def day(number: float) -> datetime:
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
        put(store, at[weight > 0], weight[weight > 0].astype(float), task, escalated=escalated)


def put(
    store: DuckStore,
    at_us: "np.typing.NDArray[np.int64]",
    weight: Floats,
    task: str,
    *,
    escalated: bool,
    tokens: int = 1,
) -> None:
    """Rows as the derivation would write them, each with a weight."""
    table = pa.table({"at": pa.array(at_us, pa.timestamp("us")), "weight": weight})
    with store.writing() as writing:
        writing.attach("given", table)
        writing.execute(
            "INSERT INTO requests BY NAME SELECT uuid()::VARCHAR AS request_id, uuid() AS trace_id, 1 AS span_id, "
            "\"at\" AS started_at, $task AS task_type, 'small' AS lane, $escalated AS escalated, 1 AS attempts, "
            "0 AS failed_attempts, 1 AS steps, 0 AS retries, FALSE AS fell_back, FALSE AS failed, FALSE AS priced, "
            "$tokens AS output_tokens, weight AS sample_weight FROM given",
            {"task": task, "escalated": escalated, "tokens": tokens},
        )


def rule(**more: object) -> DriftRule:
    """A drift rule on the escalation rate of each task."""
    given = {"alert": "EscalationDrift", "metric": "escalation_rate", "by": ["task_type"], "drift": {}}
    return DriftRule.model_validate(given | more)
