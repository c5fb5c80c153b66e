"""A store full of the traffic of a simulated router: requests with confidences, answers and shadows with labels."""

import numpy as np
import pyarrow as pa

from controlsurface.arrays import Floats
from controlsurface.store.duckdb import DuckStore
from tests.audit.simulated_routers import NOW, World

_REQUESTS = """
INSERT INTO requests BY NAME
SELECT
    'r' || i AS request_id, printf('%032x', i)::UUID AS trace_id, 1 AS span_id,
    TIMESTAMP '2026-01-01' + to_seconds(i) AS started_at, 20 AS duration_ms, task AS task_type,
    confidence, kind AS confidence_kind, 0.6 AS threshold, CASE WHEN up THEN 'large' ELSE 'small' END AS lane,
    up AS escalated, 1 AS attempts, 0 AS failed_attempts, 1 AS steps, 0 AS retries, false AS fell_back,
    false AS failed, usd AS cost_usd, true AS priced, 1 AS sample_weight
FROM made
"""
_ATTEMPTS = """
INSERT INTO attempts BY NAME
SELECT
    i || side.purpose AS attempt_id, CASE WHEN side.shadow THEN NULL ELSE 'r' || i END AS request_id,
    printf('%032x', i)::UUID AS trace_id, CASE WHEN side.shadow THEN 3 ELSE 2 END AS span_id,
    TIMESTAMP '2026-01-01' + to_seconds(i) AS started_at, 10 AS duration_ms, side.purpose,
    CASE WHEN up <> side.shadow THEN 'large' ELSE 'small' END AS lane, false AS failed, true AS billable,
    CASE WHEN side.shadow THEN other_usd ELSE usd END AS cost_usd,
    CASE WHEN CASE WHEN side.shadow THEN other ELSE given END > 0 THEN 'correct' ELSE 'wrong' END AS answer_label,
    CASE WHEN side.shadow THEN 'r' || i END AS shadow_of, CASE WHEN side.shadow THEN e END AS sampling_probability,
    CASE WHEN NOT side.shadow THEN task END AS task_type, 1 AS sample_weight
FROM made
JOIN (VALUES ('user', false), ('shadow', true)) AS side (purpose, shadow) ON NOT side.shadow OR paired
"""


def fill(store: DuckStore, random: np.random.Generator, made: World, task: str, e: Floats, start: int = 0) -> None:
    """The requests of a world under NOW, shadowed with probability `e`."""
    n, up = len(made.confidence), made.confidence < NOW
    columns = {
        "i": np.arange(start, start + n),
        "task": [task] * n,
        "kind": ["probability"] * n,
        "confidence": made.confidence,
        "up": up,
        "given": np.where(up, made.large, made.small),
        "other": np.where(up, made.small, made.large),
        "usd": np.where(up, made.large_usd, made.small_usd),
        "other_usd": np.where(up, made.small_usd, made.large_usd),
        "e": e,
        "paired": random.random(n) < e,
    }
    with store.writing() as writing:
        writing.attach("made", pa.table(columns))
        writing.execute(_REQUESTS)
        writing.execute(_ATTEMPTS)
