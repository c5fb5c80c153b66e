"""Times leave the store in UTC and say so, whatever zone the machine or the value that went in is of."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from controlsurface.store.duckdb import DuckStore

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
TOKYO = AT.astimezone(timezone(timedelta(hours=9)))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[DuckStore]:
    """On a machine in Tokyo."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    with closing(DuckStore.in_memory()) as opened:
        with opened.writing() as writing:
            writing.execute('CREATE TABLE moments ("at" TIMESTAMP)')
        yield opened
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("given", [AT, TOKYO, AT.replace(tzinfo=None)])
def test_a_time_comes_back_in_utc_whatever_zone_it_was_given_in(store: DuckStore, given: datetime) -> None:
    with store.writing() as writing:
        writing.execute("INSERT INTO moments VALUES ($at)", {"at": given})
    (row,) = store.state('SELECT "at" FROM moments WHERE "at" = $at', {"at": given}).to_pylist()
    assert (row["at"], row["at"].utcoffset()) == (AT, timedelta())


def test_rows_that_left_the_store_go_back_as_they_were(store: DuckStore) -> None:
    with store.writing() as writing:
        writing.attach("given", pa.table({"at": pa.array([TOKYO], pa.timestamp("us", "Asia/Tokyo"))}))
        writing.execute('INSERT INTO moments SELECT "at" FROM given')
    assert store.state('SELECT "at" FROM moments')["at"].to_pylist() == [AT]


def test_now_in_sql_is_utc_whatever_the_zone_of_the_machine(store: DuckStore) -> None:
    (row,) = store.state("SELECT now()::TIMESTAMP AS now").to_pylist()
    assert abs(row["now"] - datetime.now(UTC)) < timedelta(minutes=1)


def test_times_within_lists_and_structs_are_utc_too(store: DuckStore) -> None:
    (row,) = store.state("SELECT [{'at': TIMESTAMP '2026-01-05 12:00'}] AS inner").to_pylist()
    assert row["inner"] == [{"at": AT}]
