"""What a text's statements are is remembered, within bounds, and makes no difference to what they do."""

from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlsurface.store.duckdb import DuckStore
from controlsurface.store.statement_cache import MAX_TEXT_CHARS, StatementCache, run


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:")


def test_a_text_is_read_once_for_all_connections() -> None:
    cache = StatementCache()
    with duckdb.connect(":memory:") as first, duckdb.connect(":memory:") as second:
        known = cache.parse(first, "SELECT $a + 1; SELECT 2")
        assert cache.parse(second, "SELECT $a + 1; SELECT 2") is known
    with duckdb.connect(":memory:") as third:
        assert third.execute(known[0], {"a": 2}).fetchall() == [(3,)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 9), max_size=40), st.integers(10, 60))
def test_a_statement_cache_holds_no_more_characters_than_its_bound(
    connection: duckdb.DuckDBPyConnection, numbers: list[int], most: int
) -> None:
    cache = StatementCache(most)
    for number in numbers:
        (statement,) = cache.parse(connection, "SELECT " + "9" * number)
        assert connection.execute(statement).fetchall() == [(int("9" * number),)]
        assert cache.chars <= most


def test_a_text_that_is_very_long_is_not_remembered(connection: duckdb.DuckDBPyConnection) -> None:
    cache = StatementCache()
    cache.parse(connection, "SELECT 1" + " " * MAX_TEXT_CHARS)
    assert cache.chars == 0


def test_a_script_runs_all_its_statements_and_gives_the_rows_of_the_last() -> None:
    with duckdb.connect(":memory:") as own:
        for _ in range(2):
            script = "CREATE OR REPLACE TABLE t AS SELECT 1 AS a; INSERT INTO t VALUES (2); SELECT sum(a) FROM t"
            assert run(own, script).fetchall() == [(3,)]


def test_a_remembered_statement_sees_tables_as_they_are_now() -> None:
    store = DuckStore.in_memory()
    for width in (1, 2):
        with store.writing() as writing:
            writing.materialize("t", f"SELECT {', '.join(f'{n} AS c{n}' for n in range(width))}")
            assert writing.rows("SELECT * FROM t").num_columns == width
    store.close()


def test_threads_that_read_the_same_texts_share_one_cache(connection: duckdb.DuckDBPyConnection) -> None:
    cache = StatementCache(400)

    def ask(number: int) -> int:
        with connection.cursor() as cursor:
            (statement,) = cache.parse(cursor, f"SELECT {number}")
            return int(cursor.execute(statement).fetchall()[0][0])

    numbers = [number % 37 for number in range(240)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, numbers)) == numbers
    assert cache.chars <= 400
