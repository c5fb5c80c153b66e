"""`controlsurface whatif --strategies` writes every strategy, and says on standard error what they assume."""

from pathlib import Path

import pytest

from controlsurface.cli import run_command
from controlsurface.store.duckdb import DuckStore
from tests.seed import NOW, seed


def test_strategies_are_written_as_a_table_with_their_assumptions(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = DuckStore.open(tmp_path)
    seed(store, n=1_000, end=NOW)
    store.close()
    assert run_command(["whatif", "--strategies", "--since", "3650d", "--data", str(tmp_path)]) == 0
    out, err = capfd.readouterr()
    assert [line.split()[0] for line in out.splitlines()[1:]] == (
        "as_routed all_small all_large rules classifier cascade threshold".split()
    )
    assert "classifier: no evidence" in err
    assert run_command(["whatif", "--strategies", "--task-type", "chat", "--data", str(tmp_path)]) == 2
