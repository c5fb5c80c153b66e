"""`controlsurface export incident` writes the report of a window and its baseline."""

from datetime import timedelta
from pathlib import Path

import pytest

from controlsurface.cli import run_command
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed

START, END = f"{NOW - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}", f"{NOW:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("incident")
    store = DuckStore.open(folder)
    seed(store, n=800, end=NOW)
    store.close()
    return folder


def export(data: Path, *more: str) -> int:
    return run_command(["export", "incident", "--data", str(data), "--from", START, "--to", END, *more])


@pytest.mark.parametrize("against", ["before", "yesterday", "last_week"])
def test_a_report_is_written_against_every_baseline(
    data: Path, against: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert export(data, "--metric", "escalation_rate", "--baseline", against, "--format", "html") == 0
    assert capfd.readouterr().out.startswith("<!doctype html>")


def test_a_filter_is_named_in_the_report(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert export(data, "--metric", "cost", "--where", "tenant=acme") == 0
    assert "only tenant:acme" in capfd.readouterr().out


def test_a_report_of_a_metric_without_contributors_is_refused(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert export(data, "--metric", "output_growth") == 2
    assert "no total, mean, share or quantile" in capfd.readouterr().err
