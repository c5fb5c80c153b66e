"""`import` says in one line what became of everything."""

from pathlib import Path
from typing import Any

import pytest

from controlsurface.cli import run_command
from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.errors import BadBody
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import DuckStore
from tests.ingest.loading import CAPTURES

CASCADE = CAPTURES / "otelgenai-1.3b0-cascade.traces.pb"  # 8 spans


def said(capsys: pytest.CaptureFixture[str], *paths: Path, data: Path) -> tuple[int, str]:
    code = run_command(["import", *map(str, paths), "--anyway", "--data", str(data)])
    return code, capsys.readouterr().err.splitlines()[-1]


def spans(data: Path) -> int:
    store = DuckStore.open(data)
    found = store.state("FROM spans").num_rows
    store.close()
    return found


def figure(data: Path, metric: str) -> Any:
    store = DuckStore.open(data)
    (found,) = LocalClient(store).run(MetricQuery(MetricArgs(metric=metric))).rows["value"].to_pylist()
    store.close()
    return found


def test_an_import_ends_with_files_spans_duplicates_and_what_was_bad(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, noise = tmp_path / "data", tmp_path / "noise"
    noise.write_bytes(bytes(range(256)) * 9)
    code, first = said(capsys, CASCADE, data=data)
    stored = spans(data)
    assert (code, first) == (0, f"controlsurface: import: 1 file, {stored} spans stored, 0 known before, 0 bad")
    code, again = said(capsys, CASCADE, noise, data=data)
    assert code == BadBody.exit_code
    assert again == f"controlsurface: import: 2 files, 0 spans stored, {stored} known before, 1 bad"
    assert [figure(data, f"span{name}") for name in ("s_received", "s_stored", "_duplicate_share")] == [16, 8, 0.5]


def test_spans_older_than_the_retention_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = DuckStore.open(tmp_path)
    with store.writing() as writing:
        writing.execute("INSERT INTO retained VALUES ('frozen', TIMESTAMP '2999-01-01')")
    store.close()
    _, line = said(capsys, CASCADE, data=tmp_path)
    assert "0 spans stored, 0 known before, 8 older than what is kept ([retention]), 0 bad" in line
