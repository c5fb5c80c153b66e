"""`controlsurface export cost`, with a server or without."""

import json
from pathlib import Path

import pytest

from controlsurface.cli import run_command
from controlsurface.errors import BadRequest, NotFound
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed

Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    store = DuckStore.open(folder)
    seed(store, n=300, end=NOW)
    store.close()
    return folder


def test_exported_rows_go_to_standard_output(data: Path, capsys: Said) -> None:
    assert run_command(["export", "cost", "--week", "2026-W02", "--by", "team", "--data", str(data)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].startswith("team,requests,attempts")
    assert said.out.splitlines()[-1].startswith("(unassigned),")
    assert said.err.endswith("calls have no price: their cost is unknown, not zero\n")


def test_focus_goes_to_standard_output_in_the_version_asked_for(data: Path, capsys: Said) -> None:
    asked = ["export", "cost", "--week", "2026-W02", "--format", "focus", "--focus-version", "1.2", "--data", str(data)]
    assert run_command(asked) == 0
    assert "ProviderName,PublisherName" in capsys.readouterr().out.splitlines()[0]


def test_an_export_to_a_folder_writes_the_file_and_its_manifest(data: Path, tmp_path: Path, capsys: Said) -> None:
    arguments = ["export", "cost", "--week", "2026-W02", "--by", "team,lane", "--format", "json", "--to", str(tmp_path)]
    assert run_command([*arguments, "--data", str(data)]) == 0
    file, manifest = map(Path, capsys.readouterr().out.splitlines())
    assert len(json.loads(file.read_bytes())) == json.loads(manifest.read_bytes())["rows"] > 2


def test_a_week_that_still_runs_is_reported_on_standard_error(data: Path, capsys: Said) -> None:
    assert run_command(["export", "cost", "--week", "2999-W02", "--data", str(data)]) == 0
    assert "2999-W02 is not over" in capsys.readouterr().err


def test_an_impossible_export_is_refused_with_the_reason(data: Path, tmp_path: Path, capsys: Said) -> None:
    assert run_command(["export", "cost", "--week", "2026-W99", "--data", str(data)]) == BadRequest.exit_code
    assert (
        run_command(["export", "cost", "--week", "2026-W02", "--by", "lanes", "--data", str(data)])
        == BadRequest.exit_code
    )
    assert run_command(["export", "cost", "--week", "2026-W02", "--data", str(tmp_path)]) == NotFound.exit_code
    said = capsys.readouterr().err
    assert "'2026-W99' is not a week; write 2026-W47" in said
    assert "did you mean 'lane'" in said
