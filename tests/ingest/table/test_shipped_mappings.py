"""Public data sets through the shipped mappings, the real intake checks and derivation, into the store."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from controlsurface import charts
from controlsurface.client.local_client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.ingest import table
from controlsurface.metrics.queries.metric_query import MetricArgs
from tests.ingest.loading import Loaded

pytestmark = pytest.mark.no_cover
SILENCE = datetime(2023, 11, 16, 19, 4, 40, tzinfo=UTC), datetime(2023, 11, 16, 19, 8, 15, tzinfo=UTC)
HOUR = datetime(2023, 11, 16, 18, 17, tzinfo=UTC), datetime(2023, 11, 16, 19, 15, tzinfo=UTC)
STEP = timedelta(seconds=5)
DISAGREEMENT = """
    SELECT count(*) AS n, count(*) FILTER (labels_differ(answer_label, shadow_label, {tolerance})) AS differ
    FROM comparisons
"""


def imported(file: Path, mapping: str, times: int = 1) -> Loaded:
    store = Loaded()
    for _ in range(times):
        for body in table.table_bodies(file, Path(mapping)):
            store.load([("traces", body)])
    return store


def disagreement(store: Loaded, tolerance: float = 0.02) -> dict[str, Any]:
    return store.one(DISAGREEMENT.format(tolerance=tolerance))


def test_gsm8k_lanes_disagree_on_476_of_1307(shared_data: Path) -> None:
    store = imported(shared_data / "routellm/gsm8k.parquet", "routellm_gsm8k")
    assert disagreement(store) == {"n": 1307, "differ": 476}
    one_sided = "SELECT count(*) AS n FROM comparisons WHERE answer_label = 'wrong' AND shadow_label = 'correct'"
    assert store.one(one_sided) == {"n": 382}


def test_llama_8b_and_nemotron_51b_disagree_on_1314_of_5608_within_a_tolerance(shared_data: Path) -> None:
    store = imported(shared_data / "llmrouter_uiuc/scores_train.parquet", "llmrouter_uiuc")
    assert disagreement(store) == {"n": 5608, "differ": 1314}
    assert disagreement(store, tolerance=0.5)["differ"] == 1183
    assert store.one("SELECT count(DISTINCT task_type) AS n FROM comparisons") == {"n": 14}


def test_the_probes_escalate_less_and_more_rightly_after_the_fix(shared_data: Path) -> None:
    store = imported(shared_data / "vllm_sr_probes/probes.parquet", "vllm_sr_probes")
    query = """
        SELECT router_version, count(*), count(*) FILTER (escalated), count(*) FILTER (gate = 'pass')
        FROM requests GROUP BY router_version ORDER BY router_version DESC
    """
    assert [tuple(row.values()) for row in store.store.state(query).to_pylist()] == [
        ("before", 140, 140, 70),
        ("after", 140, 94, 108),
    ]


@pytest.fixture(scope="module")
def azure(shared_data: Path) -> Loaded:
    return imported(shared_data / "azure_llm_2023/AzureLLMInferenceTrace_code.csv.gz", "azure_llm_2023")


def test_azures_requests_keep_their_times_and_tokens_and_stay_unknown_in_the_rest(azure: Loaded) -> None:
    query = """
        SELECT count(*) AS n, sum(input_tokens) AS tokens, min(started_at)::VARCHAR AS first,
            count(duration_ms) AS timed, count(cost_usd) AS priced, any_value(lane) AS lane, count(escalated) AS decided
        FROM requests
    """
    expected = {"n": 8819, "tokens": 18059974, "first": "2023-11-16 18:17:03.97996"}
    assert azure.one(query) == expected | {"timed": 0, "priced": 0, "lane": "unknown", "decided": 0}


def test_a_silence_of_217_seconds_is_a_gap_in_every_course(azure: Loaded) -> None:
    for metric in ("output_tokens_per_request", "latency_p95"):
        asked = MetricArgs(metric=metric, start=HOUR[0], end=HOUR[1], every=STEP)
        rows = pl.DataFrame(LocalClient(azure.store).run(MetricQuery(asked)).rows).with_columns(all=pl.lit("all"))
        span = charts.TimeSpan(*HOUR, STEP)
        values = np.asarray(charts.lines(rows, span, charts.DARK, by="all").data[0]["y"])
        silent = [SILENCE[0] <= datetime.fromtimestamp(at / 1e3, UTC) < SILENCE[1] for at in span.times]
        assert sum(silent) == 43
        assert np.isnan(values[silent]).all()
        assert np.isnan(values).all() == (metric == "latency_p95")  # nobody said how long they took


def test_importing_a_table_twice_changes_nothing(shared_data: Path) -> None:
    once, twice = (imported(shared_data / "vllm_sr_probes/probes.parquet", "vllm_sr_probes", n) for n in (1, 2))
    assert [once.rows(name) for name in ("requests", "attempts")] == [
        twice.rows(name) for name in ("requests", "attempts")
    ]
