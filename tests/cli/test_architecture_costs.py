"""`controlsurface costs architectures|entropy|storage`: rows, and a word about what is missing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from controlsurface.cli import run_command
from controlsurface.store.duckdb import DuckStore
from tests.seed import seed


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("costs")
    store = DuckStore.open(folder)
    seed(store, n=600, end=datetime.now(UTC))
    store.close()
    return folder


@pytest.mark.parametrize(
    ("asked", "column", "note"),
    [
        (("architectures",), "latency_spread", "have a price, of 99% needed"),
        (("architectures", "--by", "router_version"), "latency_spread", "have a price, of 99% needed"),
        (("entropy", "--step", "model"), "entropy_bits", ""),
        (("storage", "--by", "task_type"), "stored_bytes", "set control.storage_usd_per_gb_month"),
    ],
)
def test_costs_of_architectures_are_a_table_and_say_what_is_not_known(
    data: Path, asked: tuple[str, ...], column: str, note: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["costs", *asked, "--data", str(data)]) == 0
    found = capfd.readouterr()
    assert column in found.out.splitlines()[0]
    assert len(found.out.splitlines()) > 1
    assert note in found.err


def test_an_unknown_dimension_of_storage_is_refused_with_the_nearest_one(
    data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["costs", "storage", "--by", "architectur", "--data", str(data)]) == 2
    assert "did you mean 'architecture'" in capfd.readouterr().err
