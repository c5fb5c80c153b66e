"""A window without requests says where the requests lie: query, advice and API."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from controlsurface.cli import run_command
from controlsurface.client import LocalClient
from controlsurface.client.queries.store_statistics import empty_window_hint
from controlsurface.config import load_config
from controlsurface.maintenance.retention_worker import apply_retention
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving

NOW = datetime.now(UTC)
TIMES = [NOW - timedelta(days=60, hours=7 * each) for each in range(24)]


def csv(path: Path, times: list[datetime]) -> Path:
    rows = "".join(f"{each:%Y-%m-%dT%H:%M:%SZ},chat,small,mini\n" for each in times)
    path.write_text(f"started_at,task_type,lane,model\n{rows}")
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere")
    assert run_command(["import", str(csv(folder / "t.csv", TIMES)), "--data", str(folder / "data")]) == 0
    return folder / "data"


LIE = f"24 requests between {min(TIMES):%Y-%m-%d} and {max(TIMES):%Y-%m-%d}"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["query", "requests", "--since", "7d"], f"query: no requests in this window; {LIE}"),
        (["query", "escalation_rate", "--since", "7d", "--by", "lane"], f"query: no requests in this window; {LIE}"),
        (["query", "cost", "--where", "lane=dear"], f"query: no requests in this window meet the filters; {LIE}"),
        (["advice"], f"advice: no requests in this window; {LIE}"),
    ],
)
def test_an_empty_result_says_where_the_requests_lie(
    command: list[str], said: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([*command, "--data", str(data)]) == 0
    assert f"controlsurface: {said}\n" in capsys.readouterr().err


def test_a_window_with_requests_says_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["query", "requests", "--since", "90d", "--json", "--data", str(data)]) == 0
    found = capsys.readouterr()
    assert json.loads(found.out)["rows"][0]["value"] == len(TIMES)
    assert found.err == ""


def test_a_store_without_any_request_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    DuckStore.open(tmp_path).close()
    assert run_command(["query", "requests", "--data", str(tmp_path)]) == 0
    assert "no requests are stored yet" in capsys.readouterr().err


def test_the_api_says_where_the_requests_lie(data: Path) -> None:
    store = DuckStore.open(data)
    with serving(LocalClient(store)) as url:
        answer = requests.get(f"{url}/api/v1/extent", timeout=30).json()
    store.close()
    assert answer["requests"] == len(TIMES)
    ends = [datetime.fromisoformat(answer[name]) for name in ("first", "last")]
    assert ends == [each.replace(microsecond=0) for each in (min(TIMES), max(TIMES))]


def test_hours_whose_rows_are_gone_count_with_their_roll_ups(tmp_path: Path) -> None:
    old = [NOW - timedelta(days=120), NOW - timedelta(days=100), NOW - timedelta(days=3)]
    assert run_command(["import", str(csv(tmp_path / "t.csv", old)), "--anyway", "--data", str(tmp_path / "data")]) == 0
    store = DuckStore.open(tmp_path / "data")
    apply_retention(store, load_config(None))
    reader = LocalClient(store)
    assert reader.state("SELECT count(*) AS n FROM requests").to_pylist() == [{"n": 1}]
    assert empty_window_hint(reader).endswith(f"3 requests between {old[0]:%Y-%m-%d} and {old[2]:%Y-%m-%d}")
    store.close()
