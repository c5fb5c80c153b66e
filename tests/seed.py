"""A store full of coherent, random traffic: what a router with two lanes, a cache and a gate leaves behind."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from controlsurface.store.duckdb import DuckStore
from tests import seed_spans

SQL = Path(__file__).with_suffix(".sql")
EASE = np.array([0.90, 0.85, 0.72, 0.80, 0.55, 0.68])  # of the six task types, in the order of seed.sql
NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)


def seed(
    store: DuckStore,
    n: int = 20_000,
    days: float = 8,
    seed: int = 1,
    end: datetime | None = None,
    weights: tuple[float, ...] = (1.0,),
) -> None:
    """Fill requests, attempts, evaluations and spans with `n` requests of the `days` before `end` (default: now)."""
    until = (end or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    dice = _dice(np.random.default_rng(seed), n, until - timedelta(days=days), timedelta(days=days), weights)
    with store.writing() as writing:
        writing.attach("dice", dice)
        for statement in SQL.read_text("utf-8").split(";\n"):
            writing.execute(statement)
        seed_spans.insert(writing)


def _dice(
    random: np.random.Generator, n: int, start: datetime, window: timedelta, weights: tuple[float, ...]
) -> pa.Table:
    """One row a request: its time, task, certainty and uniform (u) and normal (g) numbers for all other choices."""
    task = random.choice(len(EASE), n, p=[0.25, 0.2, 0.2, 0.1, 0.1, 0.15])
    micros = np.sort(random.random(n)) * window.total_seconds() * 1e6
    columns = {
        "i": np.arange(n),
        "started_at": np.datetime64(start, "us") + micros.astype("timedelta64[us]"),
        "task": task,
        "certainty": random.beta(EASE[task] * 9, (1 - EASE[task]) * 9),
        "sample_weight": np.array(weights)[random.integers(0, len(weights), n)],
        "high": random.integers(1, 2**63, n, dtype=np.uint64),
        "low": random.integers(1, 2**63, n, dtype=np.uint64),
    }
    columns |= {f"u{k}": random.random(n) for k in range(32)}
    columns |= {f"g{k}": random.standard_normal(n) for k in range(8)}
    return pa.table(columns)
