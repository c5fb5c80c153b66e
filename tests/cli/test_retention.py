"""Retention by the command: what would go, what went, with a server and without."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from controlsurface.cli import run_command
from controlsurface.client import LocalClient, RemoteClient
from controlsurface.client.queries import retention_status
from controlsurface.config import AuthConfig, Config, TokenConfig
from controlsurface.errors import Forbidden
from controlsurface.maintenance.retention_worker import RetentionWorker
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed
from tests.serving import serving

Said = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A day of traffic around the cut of ninety days."""
    store = DuckStore.open(tmp_path / "data")
    seed(store, n=300, days=1, end=datetime.now(UTC) - timedelta(days=90) + timedelta(hours=4))
    store.close()
    return tmp_path / "data"


def asked(capsys: Said, *arguments: str | Path) -> dict[str, Any]:
    capsys.readouterr()
    assert run_command([*map(str, arguments), "--json"]) == 0
    return {row["table"]: row for row in json.loads(capsys.readouterr().out)}


def test_a_dry_run_says_what_would_go_and_removes_nothing(data: Path, capsys: Said) -> None:
    would_go = asked(capsys, "retention", "apply", "--dry-run", "--data", data)
    assert {"spans", "requests", "attempts"} <= {*would_go}
    row = would_go["requests"]
    assert row["oldest"] < datetime.now(UTC).isoformat()
    assert 200 < row["too_old"] <= row["rows"]
    assert row["bytes"] > 0
    assert asked(capsys, "retention", "show", "--data", data)["requests"]["rows"] == row["rows"]


def test_retention_removes_what_the_dry_run_said_and_frees_the_space(data: Path, capsys: Said) -> None:
    would_go = asked(capsys, "retention", "apply", "--dry-run", "--data", data)
    went = asked(capsys, "retention", "apply", "--data", data)
    for table in ("spans", "requests", "attempts", "evaluations"):
        assert went[table]["removed"] == would_go[table]["too_old"]
        assert went[table]["bytes"] <= would_go[table]["bytes"]
    assert asked(capsys, "retention", "apply", "--data", data) == {}


def test_a_server_applies_retention_for_an_admin_alone(capsys: Said) -> None:
    store = DuckStore.in_memory()
    seed(store, n=100, days=1, end=datetime.now(UTC) - timedelta(days=95))
    olga = TokenConfig(name="olga", token="olga's token", role="operator")
    with serving(LocalClient(store), Config(auth=AuthConfig(token="everything", tokens=(olga,)))) as url:
        with pytest.raises(Forbidden):
            RemoteClient(url, olga.token).execute(
                retention_status.ApplyRetentionCommand(retention_status.ApplyRetentionRequest())
            )
        reader = RemoteClient(url, "everything")
        reader.execute(retention_status.ApplyRetentionCommand(retention_status.ApplyRetentionRequest(who="ana")))
        assert reader.run(retention_status.RetentionQuery()).facts["asked"] == 1
        keeper = RetentionWorker(store, Config())
        keeper._run()
        facts = reader.run(retention_status.RetentionQuery()).facts
    assert facts["asked"] == 0
    assert facts["problem"].endswith("hours wait for their roll-ups")
    assert facts["next_run_at"] > facts["last_run_at"]
    store.close()
