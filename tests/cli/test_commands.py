"""The command: data on standard output, words on standard error, exit codes as documented, with a server or without."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tomllib
from contextlib import redirect_stdout
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import controlsurface
from controlsurface.cli import EXIT_BROKEN_PIPE, EXIT_INTERRUPTED, run_command
from controlsurface.cli.terminal.terminal_rows import _WRITERS
from controlsurface.config import Config, parse_config
from controlsurface.doctor.config_toml import config_as_toml
from controlsurface.errors import BadBody, BadRequest, ConfigError, NotFound, Unreachable
from tests.forked_process import run_forked_command
from tests.launch import collector

Said = pytest.CaptureFixture[str]
CASCADE = "otelgenai-1.3b0-cascade.traces.pb"  # 3 requests, 2 of them escalated


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, captures: Path) -> Path:
    folder = tmp_path_factory.mktemp("imported") / "data"
    with redirect_stdout(io.StringIO()):
        assert run_command(["import", str(captures / CASCADE), "--anyway", "--data", str(folder)]) == 0
    return folder


@pytest.fixture
def data(tmp_path: Path, imported: Path) -> Path:
    return Path(shutil.copytree(imported, tmp_path / "data"))


def asked(capsys: Said, *arguments: str | Path) -> str:
    assert run_command([str(each) for each in arguments]) == 0
    return capsys.readouterr().out


def test_help_and_version_are_there(capsys: Said) -> None:
    assert asked(capsys, "--version") == f"controlsurface {controlsurface.__version__}\n"
    assert "Exit codes:" in asked(capsys, "--help")
    for command in ("serve", "demo", "import", "query", "doctor", "bench"):
        assert f"controlsurface {command}" in asked(capsys, command, "--help")


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (["--help"], ["pyarrow", "numpy", "pydantic", "starlette", "controlsurface.config"]),
        (["query", "--list"], ["controlsurface.api.app", "controlsurface.alerting", "uvicorn", "grpc", "streamlit"]),
    ],
)
def test_a_command_starts_without_what_it_does_not_need(arguments: list[str], unneeded: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "controlsurface.cli", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "controlsurface.cli" in imported
    assert imported.isdisjoint(unneeded)


def test_wrong_usage_says_where_help_is(capsys: Said) -> None:
    assert run_command(["query", "requests", "--frmat", "json"]) == BadRequest.exit_code
    said = capsys.readouterr()
    assert said.out == ""
    assert "--format" in said.err
    assert "see: controlsurface query --help" in said.err


def test_a_metric_prints_as_a_table(data: Path, capsys: Said) -> None:
    lines = asked(capsys, "query", "requests", "--by", "lane", "--data", data).splitlines()
    assert lines[0].split() == ["lane", "value", "n"]
    assert [line.split() for line in lines[1:]] == [["large", "2", "2"], ["small", "1", "1"]]


def test_all_formats_hold_the_same_rows(data: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    def rows(form: str) -> bytes:
        assert run_command(["query", "requests", "--by", "lane", "--format", form, "--data", str(data)]) == 0
        return capsysbinary.readouterr().out

    from_json = json.loads(rows("json"))["rows"]
    from_csv = list(csv.DictReader(io.StringIO(rows("csv").decode())))
    from_parquet = pq.read_table(io.BytesIO(rows("parquet"))).to_pylist()
    assert from_json == from_parquet == [{"lane": "large", "value": 2, "n": 2}, {"lane": "small", "value": 1, "n": 1}]
    assert from_csv == [{name: str(value) for name, value in row.items()} for row in from_json]


def test_filters_and_times_narrow_the_result(data: Path, capsys: Said) -> None:
    def value(*arguments: str) -> float:
        found = json.loads(asked(capsys, "query", "requests", "--json", "--data", data, *arguments))
        return sum(float(row["value"]) for row in found["rows"])

    assert value("--where", "lane=large") == 2
    assert value("--where", "lane=large", "--where", "lane=small") == 3
    assert value("--to", "2000-01-01") == 0
    assert value("--from", "2000-01-01", "--every", "1d") == 3


def test_the_sql_option_prints_the_statement(data: Path, capsys: Said) -> None:
    text = asked(capsys, "query", "requests", "--where", "lane=large", "--sql", "--data", data)
    assert text.startswith("WITH")
    assert "-- $" in text
    assert "large" in text.partition("-- $")[2]


def test_the_list_option_prints_the_metric_catalog(capsys: Said) -> None:
    assert "escalation_rate" in asked(capsys, "query", "--list")
    assert {"name", "unit", "help"} <= json.loads(asked(capsys, "query", "--list", "--json"))[0].keys()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["query", "escalation_rat"], "did you mean 'escalation_rate'?"),
        (["query", "requests", "--by", "lan"], "did you mean 'lane'?"),
        (["query", "requests", "--where", "lane"], "write DIMENSION=VALUE"),
        (["query", "requests", "--since", "1d", "--from", "-1d"], "give one"),
        (["query"], "name a METRIC"),
    ],
)
def test_a_wrong_argument_is_named_with_the_nearest_right_one(
    data: Path, capsys: Said, arguments: list[str], text: str
) -> None:
    assert run_command([*arguments, "--data", str(data)]) == BadRequest.exit_code
    said = capsys.readouterr()
    assert text in said.err
    assert said.err.startswith("controlsurface: error: ")
    assert said.out == ""


def test_a_query_of_a_missing_data_directory_creates_nothing(tmp_path: Path, capsys: Said) -> None:
    assert run_command(["query", "requests", "--data", str(tmp_path / "none")]) == NotFound.exit_code
    assert "nothing is stored here" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_wrong_configuration_is_named(tmp_path: Path, capsys: Said) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[journal]\nretenton = '1d'\n")
    assert run_command(["--config", str(file), "doctor"]) == ConfigError.exit_code
    assert "did you mean 'retention'?" in capsys.readouterr().err


def test_the_printed_configuration_reads_back_the_same(capsys: Said) -> None:
    text = asked(capsys, "doctor", "--config")
    assert parse_config(tomllib.loads(text), "printed") == Config()
    assert parse_config(tomllib.loads(text), "printed").lanes_assumed
    changed = parse_config(
        {
            "lanes": {"tiny one": {"models": ['a"b']}},
            "journal": {"retention": "90m"},
            "limits": {"values_of": {"team": 5}},
        },
        "changed",
    )
    assert parse_config(tomllib.loads(config_as_toml(changed)), "printed") == changed


def test_an_import_run_twice_stores_once(captures: Path, tmp_path: Path, capsys: Said) -> None:
    def imported() -> dict[str, int]:
        text = asked(capsys, "import", captures / CASCADE, "--anyway", "--json", "--data", tmp_path / "data")
        found: dict[str, int] = json.loads(text)
        return found

    first, second = imported(), imported()
    assert first["duplicates"] == 0
    assert second["duplicates"] == second["accepted"] == first["accepted"] > 0


def test_a_bad_file_is_named_and_the_others_are_imported(captures: Path, tmp_path: Path, capsys: Said) -> None:
    truncated = captures / "handmade-1-truncated.traces.pb"
    files = [str(truncated), str(tmp_path / "absent"), str(captures / CASCADE)]
    assert run_command(["import", *files, "--anyway", "--json", "--data", str(tmp_path / "data")]) == BadBody.exit_code
    said = capsys.readouterr()
    assert str(truncated) in said.err
    assert "absent" in said.err
    assert json.loads(said.out)["problems"] == 2
    assert json.loads(said.out)["accepted"] > 0


def test_rejected_spans_are_counted_and_explained(captures: Path, tmp_path: Path, capsys: Said) -> None:
    path = captures / "handmade-1-ids.traces.pb"
    assert run_command(["import", str(path), "--anyway", "--json", "--data", str(tmp_path / "data")]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"accepted": 1, "rejected": 4, "duplicates": 0, "problems": 0}
    assert "trace_id must be 16 bytes" in said.err


def test_a_running_server_gives_the_same_results(data: Path, captures: Path, tmp_path: Path, capsys: Said) -> None:
    def answers(folder: Path) -> list[object]:
        query = ("query", "cost", "--by", "lane,answered_by", "--data", folder)
        printed = json.loads(asked(capsys, *query, "--json"))
        return [asked(capsys, *query), asked(capsys, *query, "--format", "csv"), printed | {"elapsed_ms": 0}]

    with collector(tmp_path / "served"):
        served = tmp_path / "served" / "data"
        imported = json.loads(asked(capsys, "import", captures / CASCADE, "--anyway", "--json", "--data", served))
        assert imported["accepted"] > 0
        assert answers(served) == answers(data)
        again = json.loads(asked(capsys, "import", captures / CASCADE, "--anyway", "--json", "--data", served))
        assert again["duplicates"] == again["accepted"]


def test_a_closed_pipe_ends_a_command_quietly() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    argv = [sys.executable, "-m", "controlsurface.cli", "query", "--list"]
    ended = subprocess.run(argv, stdout=write_end, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(write_end)
    assert (ended.returncode, ended.stderr) == (EXIT_BROKEN_PIPE, "")


@pytest.mark.parametrize("arguments", [["--version"], ["--frmat"], [], ["--config", "c.toml", "query"]])
def test_a_forked_command_ends_and_writes_as_a_new_process_does(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path / "folder")
    command = [sys.executable, "-m", "controlsurface.cli", *arguments]
    new = subprocess.run(command, capture_output=True, timeout=60, check=False, env=os.environ)
    forked = run_forked_command(arguments, tmp_path)
    assert (forked.returncode, forked.stdout, forked.stderr) == (new.returncode, new.stdout, new.stderr)


def test_an_interrupt_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(_WRITERS, "table", interrupt)
    assert run_command(["query", "--list"]) == EXIT_INTERRUPTED
    assert capsys.readouterr().err.strip() == "controlsurface: error: interrupted"


def test_a_token_comes_from_the_configuration_or_the_environment(
    captures: Path, tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[auth]\ntoken = "s3cret s3cret s3cret"\n')
    query = ("query", "requests", "--json", "--data", tmp_path / "data")
    with collector(tmp_path, "--config", str(config)):
        asked(capsys, "--config", config, "import", captures / CASCADE, "--anyway", "--data", tmp_path / "data")
        assert json.loads(asked(capsys, "--config", config, *query))["rows"][0]["value"] == 3
        assert run_command([str(each) for each in query]) == Unreachable.exit_code
        monkeypatch.setenv("CONTROLSURFACE_TOKEN", "s3cret s3cret s3cret")
        assert json.loads(asked(capsys, *query))["rows"][0]["value"] == 3
