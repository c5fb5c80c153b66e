"""`rederive` as a command: without a server, beside one, after a kill, and with what it cannot bring back."""

import io
import json
import shutil
import signal
import time
from contextlib import closing, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import requests

from controlsurface.cli import run_command
from controlsurface.client import LocalClient
from controlsurface.client.queries.rederivation import RederiveCommand, RederiveRequest
from controlsurface.collector.discovery import find_addresses
from controlsurface.store.duckdb import STORE_FILE, DuckStore
from tests.forked_process import start_command
from tests.ingest.spans import body, call, route
from tests.launch import collector, until

BEFORE = "[lanes.small]\nmodels = ['slm*']\n[lanes.large]\nescalation = true\n"
AFTER = "[lanes.small]\n[lanes.large]\nmodels = ['slm*']\nescalation = true\n[task_types]\nfrom = ['acme.kind']\n"
SLOW = "[writer]\nmax_rows = 4\n"
N = 40


def spans(kind: str = "sum") -> bytes:
    """Requests of one kind that a small model answers, a second apart."""
    calls = [
        (route(1, trace=t), call(2, 1, trace=t, at=1000 * t, acme__kind=f"{kind}-{t % 2}")) for t in range(1, N + 1)
    ]
    return body(*(each for pair in calls for each in pair))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that was filled when the configuration said something else, between that and the present one."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "before.toml").write_text(BEFORE)
    (folder / "after.toml").write_text(AFTER)
    (folder / "s.pb").write_bytes(spans())
    head = ["--config", str(folder / "before.toml"), "import", str(folder / "s.pb"), "--anyway"]
    with redirect_stdout(io.StringIO()):
        assert run_command([*head, "--data", str(folder / "data")]) == 0
    return folder


@pytest.fixture
def data(tmp_path: Path, filled: Path) -> Path:
    return shutil.copytree(filled, tmp_path, dirs_exist_ok=True) / "data"


def api(data: Path) -> str:
    """The address of the server that has the store."""
    addresses = find_addresses(data)
    assert addresses
    return addresses["api"]


def asked(data: Path, *more: str) -> list[str]:
    return ["--config", str(data.parent / "after.toml"), "rederive", "--data", str(data), *more]


def figures(data: Path, capsys: pytest.CaptureFixture[str]) -> dict[tuple[str | None, str], float]:
    """Requests by task type and lane, as the command says them."""
    capsys.readouterr()
    assert run_command(["query", "requests", "--by", "task_type,lane", "--json", "--data", str(data)]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    return {(row["task_type"], row["lane"]): row["value"] for row in rows}


Figures = dict[tuple[str | None, str], float]
OLD: Figures = {(None, "small"): N}
NEW: Figures = {("sum-0", "large"): N / 2, ("sum-1", "large"): N / 2}


def test_rederive_without_a_server_follows_the_configuration(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert figures(data, capsys) == OLD
    assert run_command(asked(data, "--json")) == 0
    assert json.loads(capsys.readouterr().out) == {"spans": 2 * N, "changed": N, "frozen": 0}
    assert figures(data, capsys) == NEW


def test_architectures_of_an_edited_file_label_what_is_stored_once_rederive_is_asked(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def labels() -> dict[str | None, float]:
        capsys.readouterr()
        assert run_command(["query", "requests", "--by", "architecture", "--json", "--data", str(data)]) == 0
        return {row["architecture"]: row["value"] for row in json.loads(capsys.readouterr().out)["rows"]}

    named = "[architectures.odd]\nwhere = ['task_type:sum-1']\n"
    (data.parent / "after.toml").write_text(f"{AFTER}{named}")
    assert labels() == {None: N}
    assert run_command(asked(data)) == 0
    assert labels() == {"odd": N / 2, None: N / 2}


def test_rederive_is_done_by_a_running_server(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with collector(data.parent, "--config", str(data.parent / "after.toml")):
        assert figures(data, capsys) == OLD
        assert run_command(asked(data)) == 0
        said = capsys.readouterr()
        assert said.out == f"{2 * N} spans read again, {N} of them changed\n"
        assert "restart it" not in said.err
        assert figures(data, capsys) == NEW
        state = requests.get(f"{api(data)}/api/v1/rederive", timeout=30).json()
        assert (state["done"], state["changed"], state["problem"]) == (2 * N, N, None)


def test_rederive_says_that_a_server_of_before_the_change_needs_a_restart(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with collector(data.parent, "--config", str(data.parent / "before.toml")):
        assert run_command(asked(data)) == 0
    said = capsys.readouterr()
    assert "other vocabularies, architectures or task_types.from than the files here say; restart it" in said.err
    assert "other lanes than" in said.err
    assert said.out == f"{2 * N} spans read again, 0 of them changed\n"


def test_a_killed_rederive_is_finished_by_the_next_start(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data.parent / "after.toml").write_text(AFTER + SLOW)
    with (data.parent / "words.txt").open("wb") as words:
        process = start_command(asked(data), words.fileno(), words.fileno())
    until((data / f"{STORE_FILE}.wal").exists)
    time.sleep(1)  # somewhere amid the steps
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    with collector(data.parent, "--config", str(data.parent / "after.toml")):
        url = api(data)
        state: dict[str, Any] = {"asked_at": None}
        for _ in range(150):
            state = requests.get(f"{url}/api/v1/rederive", timeout=30).json()
            if state["asked_at"] is None:  # the kill came before it was asked for
                assert requests.post(f"{url}/api/v1/rederive", json={"who": "ann"}, timeout=30).status_code == 202
            if state["finished_at"]:
                break
            time.sleep(0.2)
        assert state["done"] == 2 * N
        assert figures(data, capsys) == NEW


def test_rederive_names_texts_that_were_dropped_on_arrival(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "before.toml").write_text(BEFORE)
    (tmp_path / "after.toml").write_text(AFTER)
    (tmp_path / "s.pb").write_bytes(spans("two words"))
    head = ["--config", str(tmp_path / "before.toml"), "import", str(tmp_path / "s.pb"), "--anyway"]
    assert run_command([*head, "--data", str(tmp_path / "data")]) == 0
    assert run_command(asked(tmp_path / "data")) == 0
    assert "texts of acme.kind were dropped when they came" in capsys.readouterr().err


def test_frozen_spans_are_left_alone_and_reported(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(DuckStore.open(data)) as store:
        found = store.state("SELECT started_at FROM spans WHERE is_call ORDER BY started_at").to_pylist()
        starts = [row["started_at"] for row in found]
        with store.writing() as writing:
            writing.execute("INSERT INTO retained VALUES ('frozen', $at)", {"at": starts[10]})
    assert run_command(asked(data)) == 0
    said = capsys.readouterr()
    assert (
        f"spans stay as they were: the retention has frozen what began before {starts[10]:%Y-%m-%d %H:%M}" in said.err
    )


def test_rederive_of_a_store_without_spans_is_done_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    DuckStore.open(tmp_path).close()
    assert run_command(["rederive", "--data", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "0 spans read again, 0 of them changed\n"


def test_a_step_that_fails_ends_rederive_with_the_reason(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no good")

    monkeypatch.setattr("controlsurface.ingest.load.rederive_spans._replace", fail)
    assert run_command(asked(data)) != 0
    assert f"ended after 0 of {2 * N} spans: ValueError: no good" in capsys.readouterr().err
    assert figures(data, capsys) == OLD


def test_a_rederive_request_is_stored_with_its_author(data: Path) -> None:
    with closing(LocalClient(DuckStore.open(data))) as reader:
        assert reader.execute(RederiveCommand(RederiveRequest(who="ann")))["who"] == "ann"
