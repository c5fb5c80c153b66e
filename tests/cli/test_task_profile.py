"""`controlsurface task-profile`: set, show, hand over, read back."""

from pathlib import Path

import orjson
import pytest

from controlsurface.cli import run_command
from controlsurface.store.duckdb import DuckStore
from tests.client.test_advice import requests
from tests.stores import put


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("task-profile")
    store = DuckStore.open(folder)
    put(store, requests(10, task_type="sql"))
    store.close()
    return folder


def test_a_task_profile_is_set_by_options_kept_in_a_file_and_read_back(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> str:
        assert run_command(["task-profile", *words, "--data", str(data)]) == 0
        return capfd.readouterr().out

    run("set", "extraction", "--blast-radius", "high", "--owner", "ann", "--who", "bo", "--why", "asked by legal")
    run("set", "extraction", "--owner", "", "--who", "bo")
    (row,) = orjson.loads(run("show", "--format", "json"))["rows"]
    assert (row["version"], row["blast_radius"], row["owner"], row["who"]) == (2, "high", None, "bo")
    file = tmp_path / "p.csv"
    file.write_text(run("export").replace("high", "medium"))
    run("import", str(file), "--who", "cy")
    run("import", str(file), "--who", "cy")  # says nothing new
    rows = orjson.loads(run("history", "--format", "json"))["rows"]
    assert [(row["version"], row["blast_radius"], row["who"]) for row in rows] == [
        (3, "medium", "cy"),
        (2, "high", "bo"),
        (1, "high", "bo"),
    ]
    assert "| extraction | 0 | unknown, unknown |" in run("export", "--format", "markdown")
    run("remove", "extraction")
    assert orjson.loads(run("show", "--format", "json"))["rows"] == []


def test_a_task_type_that_nobody_described_cannot_be_removed(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["task-profile", "remove", "nothing", "--data", str(data)]) == 4
    assert "nobody described 'nothing'" in capfd.readouterr().err
