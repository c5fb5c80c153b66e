"""The writer follows the journal: everything once, the position with the rows, one bad record harming no other."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from controlsurface.config import Config, WriterConfig
from controlsurface.ingest.ingest_counters import IngestCounters
from controlsurface.ingest.journal.journal import Journal
from controlsurface.ingest.load.store_writer import StoreWriter
from controlsurface.store.duckdb import DuckStore
from tests.ingest.loading import CONVENTIONS, capture

CONFIG = Config.model_validate({"writer": {"max_delay": "10ms"}, "costs": {"prices": "no such file"}})


class Running:
    def __init__(self, folder: Path, config: Config) -> None:
        self.journal = Journal(folder / "journal", config.journal)
        self.store = DuckStore.open(folder)
        self.counters = IngestCounters()
        self.writer = StoreWriter(self.store, self.journal, self.counters, config, CONVENTIONS)

    def put(self, body: bytes, items: int) -> None:
        self.journal.append("traces", body, items, time.time_ns()).result(timeout=10)

    def count(self, table: str) -> int:
        return int(self.store.state(f"SELECT count(*) AS n FROM {table}")["n"][0].as_py())


@contextmanager
def running(folder: Path, config: Config = CONFIG) -> Iterator[Running]:
    parts = Running(folder, config)
    parts.writer.start()
    try:
        yield parts
    finally:
        parts.writer.stop(drain=False)
        parts.journal.close()
        parts.store.close()


BODY = capture("otelgenai-1.3b0-cascade")[0][1]


def test_acknowledged_spans_become_rows(tmp_path: Path) -> None:
    with running(tmp_path) as parts:
        parts.put(BODY, 8)
        assert parts.writer.drain(timeout_s=20)
        assert (parts.count("spans"), parts.count("requests")) == (8, 3)


def test_a_drain_waits_for_no_batch_to_grow(tmp_path: Path) -> None:
    with running(tmp_path, CONFIG.model_copy(update={"writer": WriterConfig(max_delay=timedelta(hours=1))})) as parts:
        parts.put(BODY, 8)
        assert parts.writer.drain(timeout_s=20)
        parts.put(capture("oi-0.1.66-cascade")[0][1], 8)  # nobody waits for this one, and the end interrupts its wait
        assert parts.count("spans") == 8


def test_a_restarted_writer_goes_on_where_the_store_stands(tmp_path: Path) -> None:
    with running(tmp_path) as parts:
        parts.put(BODY, 8)
        assert parts.writer.drain(timeout_s=20)
    with running(tmp_path) as parts:
        parts.put(capture("oi-0.1.66-cascade")[0][1], 8)
        assert parts.writer.drain(timeout_s=20)
        counts = parts.counters.snapshot()
        assert (parts.count("spans"), counts["duplicate"], counts["stored"], counts["accepted"]) == (16, 0, 16, 8)


def test_spans_acknowledged_before_a_crash_are_stored_after_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", CONFIG.journal)
    journal.append("traces", BODY, 8, time.time_ns()).result(timeout=10)
    journal.close()
    with running(tmp_path) as parts:
        assert parts.writer.drain(timeout_s=20)
        assert parts.count("requests") == 3


def test_ingest_counters_go_on_after_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as parts:
        parts.counters.add(too_large=2)
        parts.counters.take(accepted=8, rejected=1, size=len(BODY), received_ns=time.time_ns())
        parts.put(BODY, 8)
        assert parts.writer.drain(timeout_s=20)
        before = parts.counters.snapshot()
    with running(tmp_path) as parts:
        after = parts.counters.snapshot()
    assert {**after, "last_stored_received_ns": 0} == {**before, "last_stored_received_ns": 0}
    assert (after["bytes"], after["too_large"]) == (len(BODY), 2)
    assert after["last_accepted_ns"] > 0


def test_spans_that_a_shutdown_has_no_time_for_are_stored_after_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controlsurface.ingest.load.store_writer.SHUTDOWN_DRAIN_S", 0)
    with running(tmp_path) as parts, parts.store.writing():  # which keeps the writer waiting
        parts.put(BODY, 8)
        threading.Timer(0.3, parts.writer.stop).start()
        assert not parts.writer.drain(timeout_s=1)
    with running(tmp_path) as parts:
        assert parts.writer.drain(timeout_s=20)
        assert (parts.count("spans"), parts.count("requests")) == (8, 3)


def test_a_record_that_cannot_be_stored_is_quarantined_whole(tmp_path: Path) -> None:
    with running(tmp_path) as parts:
        parts.put(BODY, 8)
        parts.put(b"\xff\xff no protobuf", 1)
        parts.put(capture("oi-0.1.66-cascade")[0][1], 8)
        assert parts.writer.drain(timeout_s=30)
        assert parts.count("spans") == 16
        aside = parts.store.state("SELECT payload, problem FROM set_aside").to_pylist()
    assert [row["payload"] for row in aside] == [b"\xff\xff no protobuf"]
    assert "DecodeError" in aside[0]["problem"]


def test_spans_sent_twice_are_counted_as_duplicates(tmp_path: Path) -> None:
    with running(tmp_path) as parts:
        parts.put(BODY, 8)
        parts.put(BODY, 8)
        assert parts.writer.drain(timeout_s=20)
        parts.put(BODY, 8)
        assert parts.writer.drain(timeout_s=20)
        assert (parts.count("spans"), parts.counters.snapshot()["duplicate"]) == (8, 16)
        kept = parts.store.state("SELECT value FROM ingest_counters WHERE name = 'duplicate'").to_pylist()
    assert kept == [{"value": 16}]
