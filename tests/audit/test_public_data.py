"""Public data as shadowed traffic: figures equal to those worked out directly, and where the large lane is worse."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from controlsurface.audit.disagreement_query import DisagreementArgs, DisagreementQuery
from controlsurface.client import LocalClient
from controlsurface.config import AuditConfig, Config
from tests.ingest.table.test_shipped_mappings import imported

SMALL, LARGE = "llama_3_1_8b_instruct", "llama_3_1_nemotron_51b_instruct"


@pytest.fixture(scope="module")
def found(shared_data: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    store = imported(shared_data / "llmrouter_uiuc/scores_train.parquet", "llmrouter_uiuc").store
    answer = LocalClient(store, config=Config(audit=AuditConfig(grade_labels=True))).run(
        DisagreementQuery(DisagreementArgs())
    )
    return {row["task_type"]: row for row in answer.rows.to_pylist()}, dict(answer.facts)


def test_each_task_of_llmrouter_disagrees_as_a_direct_count_says(
    found: tuple[dict[str, Any], dict[str, Any]], shared_data: Path
) -> None:
    table = pl.read_parquet(shared_data / "llmrouter_uiuc/scores_train.parquet")
    apart = (pl.col(SMALL) - pl.col(LARGE)).abs() > 0.02 + 1e-12
    for task, n, differ, gap in (
        table.group_by("task_name").agg(pl.len(), apart.sum().alias("d"), (pl.col(LARGE) - pl.col(SMALL)).mean()).rows()
    ):
        row = found[0][task]
        assert (row["n"], round(row["value"] * row["n"])) == (n, differ)
        assert row["large_minus_small"] == pytest.approx(gap, abs=1e-9)
        assert row["low"] < row["value"] < row["high"]
    assert sum(row["n"] for row in found[0].values()) == 5608


def test_tasks_where_the_large_lane_is_worse_are_named(found: tuple[dict[str, Any], dict[str, Any]]) -> None:
    rows, facts = found
    assert facts["large_worse"] == ["natural_qa"]
    assert {"math", "agentverse-mgsm"} <= {*facts["large_perhaps_worse"]}
    assert rows["mmlu"]["large"] == "better"


def test_gsm8k_lanes_disagree_on_476_of_1307(shared_data: Path) -> None:
    store = imported(shared_data / "routellm/gsm8k.parquet", "routellm_gsm8k").store
    (row,) = LocalClient(store).run(DisagreementQuery(DisagreementArgs(by=()))).rows.to_pylist()
    assert (row["n"], round(row["value"] * 1307)) == (1307, 476)
    assert (round(row["production_grade"], 6), round(row["shadow_grade"], 6)) == (0.637337, 0.857689)
