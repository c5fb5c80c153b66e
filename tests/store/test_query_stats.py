"""What a name is good for: statistics, a line in the log, the text of an error, a plan."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controlsurface.errors import TooMuch, TooSlow
from controlsurface.store.duckdb import DuckStore
from controlsurface.store.named_query import NamedQuery
from controlsurface.store.statement_cache import MAX_TEXT_CHARS

ONE = NamedQuery("SELECT $a AS a", {"a": 1}, "metrics.query")
ENDLESS = NamedQuery("SELECT sum(random()) AS n FROM range(10000000000000)", {}, "metrics.batch")
LARGE = NamedQuery("SELECT list(i ORDER BY hash(i)) FROM range(40_000_000) AS a(i)", {}, "requests.list")


@pytest.fixture
def store() -> Iterator[DuckStore]:
    opened = DuckStore.in_memory()
    yield opened
    opened.close()


def test_query_runs_are_counted_by_name_and_state_reads_are_not(store: DuckStore) -> None:
    rows = [store.query(ONE).to_pylist() for _ in range(3)]
    store.state("SELECT 1")
    assert rows == [[{"a": 1}]] * 3
    assert {name: stat.runs for name, stat in store.stats.by_name.items()} == {"metrics.query": 3}
    assert store.stats.by_name["metrics.query"].slowest is ONE


def test_a_query_that_is_stopped_is_named_and_counted(store: DuckStore) -> None:
    with pytest.raises(TooSlow, match=r"stopped after 0\.2 s, in metrics\.batch \(several metrics of one source\);"):
        store.query(ENDLESS, timeout_s=0.2)
    assert store.stats.by_name["metrics.batch"].seconds > 0.19  # two clocks, which agree but for a little


def test_a_query_that_needs_too_much_memory_is_named(tmp_path: Path) -> None:
    store = DuckStore.open(tmp_path, memory_bytes=64 << 20)
    with pytest.raises(TooMuch, match=r"^requests\.list \(a page of requests\) needs more memory than limits\."):
        store.query(LARGE)
    store.close()


def test_a_slow_query_is_logged_once_in_a_minute(store: DuckStore, caplog: pytest.LogCaptureFixture) -> None:
    store.stats.slow_s = 0
    with caplog.at_level(logging.WARNING, "store"):
        store.query(ONE)
        store.query(ONE)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("slow query metrics.query (one metric): ")
    assert store.stats.by_name["metrics.query"].slow == 2


def test_a_table_that_a_session_materializes_is_its_own(store: DuckStore) -> None:
    with store.session() as session:
        session.materialize("ones", ONE)
        assert session.query(NamedQuery("SELECT a + 1 AS b FROM ones", {}, "metrics.query"))["b"].to_pylist() == [2]
    assert store.state("SELECT count(*) AS n FROM duckdb_tables() WHERE table_name = 'ones'")["n"].to_pylist() == [0]


def test_a_plan_names_the_steps_and_their_rows(store: DuckStore) -> None:
    plan = store.explain(NamedQuery("SELECT i FROM range(7) AS r(i) WHERE i > $low", {"low": 1}, "metrics.query"))
    assert "RANGE" in plan
    assert "7" in plan


def test_a_query_that_is_run_again_sees_the_table_as_it_is_now(store: DuckStore) -> None:
    everything = NamedQuery("SELECT * FROM moving WHERE a >= $a", {"a": 1}, "metrics.query")
    answers = []
    for change in ("CREATE TABLE moving AS SELECT 1 AS a", "ALTER TABLE moving ADD COLUMN b INTEGER DEFAULT 2"):
        with store.writing() as writing:
            writing.execute(change)
        answers.append(store.query(everything).to_pylist())
    assert answers == [[{"a": 1}], [{"a": 1, "b": 2}]]


def test_threads_that_run_one_query_get_the_rows_of_their_own_values(store: DuckStore) -> None:
    asked = [NamedQuery("SELECT $a AS a", {"a": value}, "metrics.query") for value in (*range(200), "x", None)]
    with ThreadPoolExecutor(4) as threads:
        found = [table["a"].to_pylist() for table in threads.map(store.query, asked)]
    assert found == [[query.parameters["a"]] for query in asked]


def test_a_query_too_long_to_be_remembered_runs_as_well(store: DuckStore) -> None:
    long = NamedQuery(f"SELECT{' ' * MAX_TEXT_CHARS}$a AS a", {"a": 1}, "metrics.query")
    assert [store.query(long).to_pylist() for _ in range(2)] == [[{"a": 1}]] * 2
