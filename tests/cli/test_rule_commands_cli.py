"""Rules are overridden, added and removed on the command line, in the data directory where no folder is configured."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from controlsurface.cli import controlsurface
from controlsurface.store.duckdb import DuckStore


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    DuckStore.open(tmp_path / "data").close()
    return tmp_path / "data"


def told(data: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(controlsurface, ["rules", *words, "--data", str(data)])
    return result.exit_code, f"{result.output}{result.exception or ''}"


def test_a_shipped_rule_is_overridden_and_the_override_removed(data: Path) -> None:
    code, said = told(data, "override", "ErrorRateHigh", "above=0.08", "labels.severity=ticket", "--why", "too loud")
    assert (code, "threshold 0.08 (shipped 0.05), severity ticket (shipped page)" in said) == (0, True)
    assert (
        "too loud\n    labels: {severity: ticket}\n    above: 0.08\n" in (data / "alerts" / "custom.yaml").read_text()
    )
    assert told(data, "remove", "ErrorRateHigh")[0] == 0
    assert "overrides:\n    []\n" in (data / "alerts" / "custom.yaml").read_text()


def test_a_rule_of_a_file_is_added_once(data: Path, tmp_path: Path) -> None:
    rule = {"alert": "Mine", "metric": "error_rate", "above": 0.2}
    (tmp_path / "r.yaml").write_text(json.dumps({"groups": [{"name": "mine", "interval": "5m", "rules": [rule]}]}))
    assert told(data, "add", str(tmp_path / "r.yaml"))[0] == 0
    assert "- name: mine\n    interval: 5m\n" in (data / "alerts" / "custom.yaml").read_text()
    code, said = told(data, "add", str(tmp_path / "r.yaml"))
    assert (code != 0, "has this name already" in said) == (True, True)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("override", "ErorRateHigh", "above=1"), "did you mean 'ErrorRateHigh'"),
        (("override", "ErrorRateHigh", "abvoe=0.1"), "did you mean 'above'"),
        (("override", "ErrorRateHigh", "above"), "write FIELD=VALUE"),
        (("override", "ErrorRateHigh", "above=8"), "8 % is 0.08"),
        (("send-test", "oncall"), "no notifier named 'oncall'"),
    ],
)
def test_a_change_that_cannot_be_made_says_why(data: Path, words: tuple[str, ...], problem: str) -> None:
    code, said = told(data, *words)
    assert (code != 0, problem in said) == (True, True), said
