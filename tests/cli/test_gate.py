"""A gate ends with 0, 13 or 14, by figures computed here from the requests themselves."""

import json
import os
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from controlsurface.cli import run_command
from controlsurface.client.metric_gate import GateBound, gate_verdict, parse_bound
from controlsurface.errors import BadRequest
from controlsurface.store.duckdb import DuckStore
from tests.conftest import ROOT
from tests.launch import collector
from tests.seed import seed

Said = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gate") / "data"
    with closing(DuckStore.open(folder)) as store:
        seed(store, n=4_000, days=1, end=datetime.now(UTC) + timedelta(minutes=5))
    return folder


@pytest.fixture(scope="module")
def escalated(data: Path) -> dict[str | None, tuple[int, int]]:
    """By task type: requests whose lane is known within the window, and those of them that were escalated."""
    with closing(DuckStore.open(data)) as store:
        rows = store.state(
            "SELECT task_type, escalated FROM requests WHERE escalated IS NOT NULL AND started_at >= $since",
            {"since": datetime.now(UTC) - timedelta(hours=12)},
        ).to_pylist()
    found: dict[str | None, tuple[int, int]] = {}
    for row in rows:
        n, k = found.get(row["task_type"], (0, 0))
        found[row["task_type"]] = (n + 1, k + bool(row["escalated"]))
    return found


def gate(data: Path, *more: str) -> int:
    return run_command(["gate", "escalation_rate", "--over", "12h", "--data", str(data), *more])


def test_a_gate_is_broken_beyond_the_rate_that_a_count_gives_and_holds_within_it(
    data: Path, escalated: dict[str | None, tuple[int, int]], capsys: Said
) -> None:
    rate = sum(k for _, k in escalated.values()) / sum(n for n, _ in escalated.values())
    assert gate(data, "--above", f"{rate - 0.01:.4f}") == 13
    assert "escalation_rate is above" in capsys.readouterr().err
    assert gate(data, "--above", f"{rate + 0.01:.4f}") == 0
    assert gate(data, "--below", f"{(rate + 0.01) * 100:.2f}%") == 13
    assert gate(data, "--above", f"{rate - 0.001:.4f}", "--certain") == 0  # well within its interval


def test_of_slices_one_that_is_broken_breaks_the_gate_and_few_rows_decide_nothing(
    data: Path, escalated: dict[str | None, tuple[int, int]], capsys: Said
) -> None:
    n_by_rate = {k / n: n for n, k in escalated.values() if n >= 50}
    highest = max(n_by_rate)
    assert gate(data, "--by", "task_type", "--above", f"{highest - 0.005:.4f}", "--json") == 13
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    broken = [row for row in found["rows"] if row["verdict"] == "broken"]
    assert [row["n"] for row in broken] == [n_by_rate[highest]]
    assert gate(data, "--by", "task_type", "--above", f"{highest + 0.005:.4f}") == 0
    assert gate(data, "--above", "0", "--min-rows", "1000000") == 14


def test_a_canary_without_traffic_does_not_hold(data: Path, capsys: Said) -> None:
    assert gate(data, "--above", "99%", "--where", "router_version=nobody", "--wait", "1s") == 14
    assert "fewer than 50 rows" in capsys.readouterr().err


def test_a_gate_asks_a_server_elsewhere(tmp_path: Path) -> None:
    with collector(tmp_path) as server:
        url = server.ready["api"]
        assert run_command(["gate", "requests", "--below", "1", "--min-rows", "1", "--url", url]) == 14
    assert run_command(["gate", "requests", "--below", "1", "--url", url]) == 9


def test_what_is_no_bound_is_wrong_usage_with_an_example(data: Path, capsys: Said) -> None:
    assert gate(data) == 2
    assert gate(data, "--above", "2s") == 2
    assert "20% or 0.2" in capsys.readouterr().err
    assert run_command(["gate", "escalation_rat", "--above", "1", "--data", str(data)]) == 2
    assert "escalation_rate" in capsys.readouterr().err
    assert run_command(["gate", "requests", "--above", "1", "--certain", "--data", str(data), "--over", "12h"]) == 2


@pytest.mark.parametrize(
    ("text", "unit"), [("$5", "ratio"), ("5%", "usd"), ("", "count"), ("nan", "ratio"), ("5 s", "ms")]
)
def test_a_bound_in_another_unit_is_refused(text: str, unit: str) -> None:
    with pytest.raises(BadRequest):
        parse_bound(text, unit)


@given(
    st.floats(-1, 1),
    st.floats(-1, 1),
    st.floats(0, 0.5),
    st.integers(0, 99),
    st.booleans(),
    st.floats(-1, 1),
    st.booleans(),
)
def test_what_holds_for_certain_is_no_less_than_what_holds(
    value: float, bound: float, width: float, n: int, is_above: bool, other: float, unknown: bool
) -> None:
    row = {"value": None if unknown else value, "low": value - width, "high": value + width, "n": n}
    above, below = (bound, None) if is_above else (None, bound)
    plain, certain = (GateBound(above, below, certain=each).verdict(row) for each in (False, True))
    if n < 50 or unknown:
        assert plain == certain == "too few"
    else:
        assert plain == ("broken" if (value > bound if is_above else value < bound) else "holds")
        assert certain == "holds" or plain == "broken"
    assert gate_verdict([plain, "broken"]) == "broken"


def test_the_action_of_a_workflow_asks_what_its_inputs_say(data: Path, tmp_path: Path) -> None:
    action = YAML(typ="safe").load(ROOT / ".github" / "actions" / "gate" / "action.yml")
    (step,) = action["runs"]["steps"]
    said = tmp_path / "said"
    (tmp_path / "controlsurface").write_text(f'#!/bin/bash\nprintf "%s\\n" "$@" >{said}\nexit 13\n')
    (tmp_path / "controlsurface").chmod(0o755)
    defaults = {name: each.get("default", "") for name, each in action["inputs"].items()}
    told = defaults | {
        "metric": "cost",
        "above": "25%",
        "where": "a=b c\nteam=x\n",
        "url": "http://cs",
        "certain": "true",
    }
    given = {name: told[text.removeprefix("${{ inputs.").removesuffix(" }}")] for name, text in step["env"].items()}
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", step["run"]],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", **given},
        check=False,
    )
    assert ended.returncode == 13
    asked = said.read_text().splitlines()
    assert asked[:2] == ["gate", "cost"]
    assert asked[2:] == [
        *("--over", "1h", "--min-rows", "50", "--wait", "0s", "--url", "http://cs", "--above", "25%", "--certain"),
        *("--where", "a=b c", "--where", "team=x"),
    ]
