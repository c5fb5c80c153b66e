"""The doctor looks at everything, says what is wrong, and is not itself knocked over by it."""

import json
import socket
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from controlsurface.cli import run_command
from controlsurface.config import Config, parse_config
from controlsurface.doctor.checks import DoctorFinding, DoctorTarget, run_checks
from controlsurface.store.duckdb import DuckStore
from tests.launch import collector
from tests.seed import seed


def found(data: Path, config: Config | None = None) -> dict[str, list[DoctorFinding]]:
    by_check: dict[str, list[DoctorFinding]] = {}
    for each in run_checks(DoctorTarget(data, "127.0.0.1", config or Config(), None)):
        by_check.setdefault(each.check, []).append(each)
    return by_check


def test_the_doctor_finds_no_failure_before_the_first_start(tmp_path: Path) -> None:
    findings = found(tmp_path / "none")
    assert findings.keys() >= {"configuration", "vocabularies", "prices", "disk", "ports", "store"}
    assert not [each for every in findings.values() for each in every if each.verdict == "fail"]
    assert not (tmp_path / "none").exists()


def test_a_taken_port_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr("controlsurface.doctor.checks.PORTS", {"api": port})
        (finding,) = found(tmp_path)["ports"]
    assert finding.verdict == "warn"
    assert f"127.0.0.1:{port}" in finding.text


def test_a_wrong_price_file_is_a_finding_not_an_end(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text("[[price]]\nmodle = 'x'\n")
    config = parse_config({"costs": {"prices": str(tmp_path / "prices.toml")}}, "test")
    findings = found(tmp_path, config)
    assert findings["prices"][0].verdict == "fail"
    assert "prices.toml" in findings["prices"][0].text
    assert "disk" in findings


def test_models_without_lane_or_price_are_named(tmp_path: Path) -> None:
    with closing(DuckStore.open(tmp_path)) as store:
        seed(store, n=500)
        with store.writing() as writing:
            writing.execute("UPDATE requests SET lane = 'unknown', answered_by = 'mystery-model' WHERE lane = 'small'")
            writing.execute("UPDATE attempts SET cost_usd = NULL, model = 'mystery-model' WHERE lane = 'small'")
    findings = found(tmp_path)
    assert "mystery-model" in findings["lanes"][0].text
    assert "mystery-model" in findings["unpriced"][0].text
    assert findings["lanes"][0].verdict == findings["unpriced"][0].verdict == "warn"


def test_calls_without_usage_are_named_apart_from_models_without_a_price(tmp_path: Path) -> None:
    with closing(DuckStore.open(tmp_path)) as store:
        seed(store, n=200)
        with store.writing() as writing:
            writing.execute("DELETE FROM attempts WHERE cost_usd IS NULL")
            writing.execute(
                "UPDATE attempts SET cost_usd = NULL, output_tokens = NULL, reasoning_tokens = NULL, "
                "audio_output_tokens = NULL, image_output_tokens = NULL, streamed = TRUE, model = 'gpt-5-mini' "
                "WHERE lane = 'small' AND purpose = 'user'"
            )
            n = writing.rows("SELECT count(*) AS n FROM attempts WHERE model = 'gpt-5-mini'")["n"][0].as_py()
    findings = found(tmp_path)
    said = f"{n} streamed calls came without usage (gpt-5-mini): set `stream_options.include_usage`"
    assert (findings["usage"][0].verdict, findings["usage"][0].text) == ("warn", said)
    assert findings["unpriced"][0].verdict == "ok"


def test_fact_coverage_is_a_table_and_rows_of_the_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(DuckStore.open(tmp_path)) as store:
        seed(store, n=200, days=1, end=datetime.now(UTC))
    run_command(["doctor", "--data", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "What the spans of the last 7 days fill:" in shown
    assert "Kind of confidence" in shown
    assert "  set `controlsurface.router.confidence_kind`" in shown
    run_command(["doctor", "--json", "--data", str(tmp_path)])
    rows = [row for row in json.loads(capsys.readouterr().out) if row["check"] == "coverage"]
    tasks = {row["service"]: row for row in rows if row["fact"] == "task_type"}
    assert sum(row["n"] for row in tasks.values() if not row["all_services"]) > 0
    assert {"assistant", "indexer"} <= tasks.keys()


def test_fact_coverage_is_not_printed_before_the_first_span(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    DuckStore.open(tmp_path).close()
    run_command(["doctor", "--data", str(tmp_path)])
    assert "spans of the last 7 days" not in capsys.readouterr().out


def test_assumed_lanes_are_named_with_the_way_to_assign_them(tmp_path: Path) -> None:
    with closing(DuckStore.open(tmp_path)) as store, store.writing() as writing:
        writing.execute(
            "INSERT INTO assumed_lanes VALUES (NULL, 'openai/cheap', 'cheap', TRUE, 0.5, 'small'), "
            "(NULL, 'dear', 'dear', TRUE, 30, 'large'), (NULL, 'odd', 'odd', TRUE, NULL, NULL)"
        )
    finding = found(tmp_path)["lanes"][0]
    assert finding.verdict == "warn"
    assert finding.text.startswith("lanes are assumed (by list price): small = cheap; large = dear; unknown: odd;")
    assert finding.text.endswith("assign them under [lanes] in the configuration, or by a click on the Data page")


def test_a_running_server_is_examined_through_its_api(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with collector(tmp_path) as server:
        assert run_command(["doctor", "--json", "--data", str(tmp_path / "data")]) == 0
        texts = {row["check"]: row["text"] for row in json.loads(capsys.readouterr().out)}
    assert f"process {server.process.pid}" in texts["ports"]
    assert texts["server"] == "takes traffic"


def test_a_failed_doctor_check_is_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "controlsurface.duckdb").write_bytes(b"no database")
    assert run_command(["doctor", "--data", str(tmp_path)]) == 1


def test_a_clock_that_runs_ahead_and_a_silent_source_are_named(tmp_path: Path) -> None:
    with closing(DuckStore.open(tmp_path)) as store:
        seed(store, n=200)
        with store.writing() as writing:
            writing.execute(
                "UPDATE spans SET service = 'fast-clock', duration_ms = 1, "
                "received_at = CAST(now() AS TIMESTAMP) - INTERVAL 3 DAY, "
                "end_ns = epoch_ns(now() - INTERVAL 3 DAY + INTERVAL 1 MINUTE)"
            )
    findings = found(tmp_path)
    assert findings["clocks"][0].text == "fast-clock: its clock runs 1 min or more ahead of ours"
    assert findings["sources"][0].verdict == "warn"
    assert "the last 3 d ago" in findings["sources"][0].text


def test_a_notifier_without_its_secret_and_messages_given_up_are_named(tmp_path: Path) -> None:
    channel = {"kind": "slack", "url": "env:NO_SUCH_VARIABLE"}
    store = DuckStore.open(tmp_path)
    with store.writing() as writing:
        writing.execute(
            "INSERT INTO outbox BY NAME SELECT 1 AS number, 'm' AS id, 'chat' AS notifier, 'g' AS group_key, "
            "'{}' AS labels, 'new' AS reason, '[]' AS firing, '[]' AS resolved, 'dead' AS state, 1 AS attempts, "
            "now()::TIMESTAMP AS created_at, now()::TIMESTAMP AS next_at, 'answered 404' AS problem"
        )
    store.close()
    findings = found(tmp_path, parse_config({"delivery": {"notifiers": {"chat": channel}}}, "test"))
    assert "delivery.notifiers.chat: env:NO_SUCH_VARIABLE: holds nothing" in findings["notifiers"][0].text
    assert "1 of the last 1 were given up; the last to chat: answered 404" in findings["messages"][0].text
