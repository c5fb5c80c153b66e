"""Commands about drift: what is accepted, and what the detector is worth."""

import json
from pathlib import Path

import pytest

from controlsurface.alerting.detectors.drift.drift_engine import DriftEngine
from controlsurface.bench.drift_bench import DriftBenchSize
from controlsurface.bench.drift_bench import run_drift_bench as bench
from controlsurface.bench.evaluation_bench import EvaluationLoad
from controlsurface.bench.evaluation_bench import run_evaluation_bench as ticks
from controlsurface.cli import run_command
from controlsurface.errors import NotFound
from controlsurface.store.duckdb import DuckStore
from tests.alerting.detectors.drift_traffic import datetime_of_day, drift_rule, escalations


def test_a_drift_is_accepted_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = DuckStore.open(tmp_path)
    escalations(store, "chat", (0, 9), 0.1, 1_000)
    DriftEngine(store).readings([drift_rule()], datetime_of_day(9))
    store.close()
    words = ["rules", "accept", "EscalationDrift", "--where", "task_type=chat", "--who", "ann", "--data", str(tmp_path)]
    assert run_command(words) == 0
    assert json.loads(capsys.readouterr().out)["slices"] == [{"task_type": "chat"}]
    assert run_command([*words[:2], "EscalationDrif", *words[3:]]) == NotFound.exit_code
    assert "did you mean 'EscalationDrift'" in capsys.readouterr().err


def test_the_drift_engine_is_quiet_and_quick_beside_other_detectors() -> None:
    said: list[str] = []
    result = bench(said.append, seed=3, size=DriftBenchSize(streams=42, days=7, runs=5))
    assert said
    assert result.family_false_alarms_per_week <= 1
    assert result.delay_h_8_to_12_at_100k <= 8
    assert result.delay_h_2_to_10_at_3k <= 3
    assert result.onsets_per_week_constant_drift <= 0.5
    assert all(way.false_alarms_per_week > 100 for way in result.ways[1:])
    assert result.rounded()["ways"]


def test_rule_evaluations_are_measured_idle_and_during_ingest() -> None:
    result = ticks(lambda _: None, EvaluationLoad(rules=40, days=8, requests_a_day=300, ticks=2, spans_per_s=500))
    assert result.rules == 40
    assert result.series > 40 * 40
    assert result.ingested_spans_per_s > 0
    assert 0 < result.tick_p50_s <= result.tick_p95_s
