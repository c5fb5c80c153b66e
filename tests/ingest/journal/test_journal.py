"""The journal: durable before it answers, whole after any crash, bounded on disk."""

import errno
import os
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from controlsurface.config import JournalConfig as Settings
from controlsurface.errors import Busy, DiskFull, StoreError
from controlsurface.ingest.journal.journal import Journal
from controlsurface.ingest.journal.segment_file import MAGIC, JournalPosition, JournalRecord

START = JournalPosition(0, 0)


@pytest.fixture
def open_journal(tmp_path: Path) -> Iterator[Callable[..., Journal]]:
    """Opens the one folder, again and again."""
    opened: list[Journal] = []

    def make(**settings: object) -> Journal:
        opened.append(Journal(tmp_path, Settings.model_validate(settings)))
        return opened[-1]

    yield make
    for journal in opened:
        journal.close()


def put(journal: Journal, *payloads: bytes) -> list[JournalPosition]:
    """Append one after the other."""
    return [journal.append("traces", payload, len(payload), n).result(5) for n, payload in enumerate(payloads)]


def everything(journal: Journal, after: JournalPosition = START, max_bytes: int = 1 << 20) -> list[JournalRecord]:
    found: list[JournalRecord] = []
    while more := journal.read(after, max_bytes):
        found += more
        after = more[-1].end
    return found


def payloads(journal: Journal) -> list[bytes]:
    return [record.payload for record in everything(journal)]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come about within 10 s"
        time.sleep(0.005)


def names(folder: Path) -> list[str]:
    return sorted(path.name.partition(".")[2].lstrip("0123456789.") for path in folder.iterdir())


def test_acknowledged_records_are_read_back_in_order(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal()
    ends = put(journal, b"a", b"bb", b"ccc")
    records = everything(journal)
    assert [(each.payload, each.items, each.received_ns) for each in records] == [
        (b"a", 1, 0),
        (b"bb", 2, 1),
        (b"ccc", 3, 2),
    ]
    assert [each.end for each in records] == ends
    assert journal.end == ends[-1]


def test_journal_records_of_all_three_signals_keep_their_name(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal()
    for signal in ("traces", "logs", "metrics"):
        journal.append(signal, b"x", 1, 1).result(5)
    assert [record.signal for record in everything(journal)] == ["traces", "logs", "metrics"]


def test_a_journal_read_starts_after_any_position_bounded_and_never_stuck(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal()
    ends = put(journal, b"x" * 1000, b"y" * 5_000_000, b"z" * 1000)
    assert [len(each.payload) for each in journal.read(ends[0], 10)] == [5_000_000]
    assert len(everything(journal, max_bytes=1)) == 3
    assert journal.read(ends[-1], 10) == []


def test_many_senders_share_a_sync_and_all_are_answered(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal()
    futures = [journal.append("traces", b"%d" % n, 1, n) for n in range(3000)]
    ends = [future.result(10) for future in futures]
    assert ends == sorted(set(ends))
    assert payloads(journal) == [b"%d" % n for n in range(3000)]


def test_a_reopened_journal_goes_on_in_a_new_segment(open_journal: Callable[..., Journal], tmp_path: Path) -> None:
    first = open_journal()
    put(first, b"a")
    first.close()
    second = open_journal()
    assert second.end == first.end
    put(second, b"b")
    assert payloads(second) == [b"a", b"b"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_position_that_a_store_remembers_never_lies_ahead_of_a_fresh_journal(
    open_journal: Callable[..., Journal],
) -> None:
    remembered = JournalPosition(time.time_ns() // 1_000_000 - 1, 10**9)
    journal = open_journal()
    put(journal, b"a")
    assert [record.payload for record in everything(journal, remembered)] == [b"a"]


def test_a_journal_wait_ends_as_soon_as_a_record_is_durable(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal()
    assert not journal.wait(START, 0.01)
    journal.append("traces", b"a", 1, 1)
    assert journal.wait(START, 10)
    assert not journal.wait(journal.end, 0.01)


def test_waking_a_journal_ends_the_waits_of_that_moment(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal()
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(journal.wait, START, 60)
        while not waiting.done():
            journal.wake()
        assert not waiting.result()


def test_the_backlog_is_counted_in_items_from_any_position(open_journal: Callable[..., Journal]) -> None:
    first = open_journal()
    ends = put(first, b"a", b"bb", b"ccc")
    first.close()
    journal = open_journal()
    ends += put(journal, b"dddd")
    assert [journal.backlog(end) for end in (START, *ends)] == [10, 9, 7, 4, 0]
    journal.release(ends[1])
    assert journal.backlog(ends[2]) == 4


def test_pending_bytes_shrink_as_the_store_follows(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal(segment=1000)
    ends = put(journal, *[b"x" * 400] * 6)
    assert journal.pending_bytes == journal._shelf.size_bytes
    journal.release(ends[3])
    assert 800 < journal.pending_bytes < 1000
    journal.release(ends[-1])
    assert journal.pending_bytes == 0


def test_stored_segments_are_compressed_and_still_read(open_journal: Callable[..., Journal], tmp_path: Path) -> None:
    journal = open_journal(segment=50_000)
    put(journal, *[b"x" * 30_000] * 6)
    before = journal._shelf.size_bytes
    journal.release(journal.end)
    until(lambda: journal._shelf.size_bytes < before / 2)
    assert names(tmp_path) == ["journal", "journal.zst", "journal.zst"]
    assert payloads(journal) == [b"x" * 30_000] * 6
    journal.close()
    assert payloads(open_journal()) == [b"x" * 30_000] * 6


def test_a_full_journal_never_drops_records_that_are_not_stored(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal(segment=1000, max_size=3000)
    ends = put(journal, *[b"x" * 900] * 3)
    with pytest.raises(DiskFull, match="max_size"):
        put(journal, b"y" * 900)
    assert len(everything(journal)) == 3
    journal.release(ends[-1])
    put(journal, b"z" * 900)
    assert payloads(journal)[-1] == b"z" * 900


def test_stored_segments_go_when_they_are_old(open_journal: Callable[..., Journal], tmp_path: Path) -> None:
    journal = open_journal(segment=1000, retention="1h")
    put(journal, *[b"x" * 1000] * 4)
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    journal.release(JournalPosition(journal.end.segment - 1, 0))
    until(lambda: len(list(tmp_path.iterdir())) == 2)  # of the one half stored and the newest nothing may go
    assert len(everything(journal)) == 2


def test_the_journal_is_full_before_the_disk_is(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal(min_free=1 << 60)
    with pytest.raises(DiskFull, match="min_free"):
        put(journal, b"a")
    assert payloads(journal) == []
    assert "min_free" in journal.full


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """The kernel refuses to let a file grow further, in the middle of a write if need be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_cut_short_by_a_full_disk_is_taken_back_and_the_next_one_served(
    open_journal: Callable[..., Journal],
) -> None:
    journal = open_journal()
    put(journal, b"a")
    with files_limited_to(10_000):
        with pytest.raises(DiskFull):
            put(journal, b"b" * 20_000)
        put(journal, b"c")
    put(journal, b"d" * 20_000)
    journal.close()
    assert payloads(open_journal()) == [b"a", b"c", b"d" * 20_000]


def test_a_segment_that_cannot_be_begun_is_full_too(open_journal: Callable[..., Journal], tmp_path: Path) -> None:
    journal = open_journal()
    with files_limited_to(4), pytest.raises(DiskFull):
        put(journal, b"a")
    put(journal, b"b")
    assert payloads(journal) == [b"b"]


def test_the_journal_answers_nothing_after_a_failed_sync_until_it_is_opened_anew(
    open_journal: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal()
    put(journal, b"a")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", _fails)
        with pytest.raises(Busy, match="cannot be written"):
            put(journal, b"b")
    with pytest.raises(Busy, match="cannot be written"):
        put(journal, b"c")
    assert "Input/output error" in journal.failure
    assert payloads(journal) == [b"a"]
    journal.close()
    put(open_journal(), b"d")


def _fails(fd: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_closing_journal_writes_waiting_records_and_takes_no_more(open_journal: Callable[..., Journal]) -> None:
    journal = open_journal()
    futures = [journal.append("traces", b"x", 1, 1) for _ in range(100)]
    journal.close()
    assert all(future.result(0) for future in futures)
    with pytest.raises(Busy, match="closing"):
        journal.append("traces", b"x", 1, 1)


def test_damage_in_a_closed_segment_costs_the_record_that_it_is_in(
    open_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    journal = open_journal(segment=100)
    put(journal, b"a" * 60, b"b" * 60, b"c" * 60, b"d" * 60)
    first = min(tmp_path.iterdir())
    damaged = bytearray(first.read_bytes())
    damaged[-1] ^= 1
    first.write_bytes(damaged)
    assert payloads(journal) == [b"a" * 60, b"c" * 60, b"d" * 60]


def test_damage_in_a_compressed_segment_costs_that_segment(
    open_journal: Callable[..., Journal], tmp_path: Path
) -> None:
    journal = open_journal(segment=100)
    put(journal, b"a" * 200, b"b" * 200)
    journal.release(journal.end)
    until(lambda: names(tmp_path) == ["journal", "journal.zst"])
    min(tmp_path.iterdir()).write_bytes(b"not zstd at all")
    assert payloads(journal) == [b"b" * 200]


def test_the_journal_leaves_other_files_beside_it_alone(open_journal: Callable[..., Journal], tmp_path: Path) -> None:
    (tmp_path / "notes.journal").write_text("mine")
    put(open_journal(), b"a")
    assert (tmp_path / "notes.journal").read_text() == "mine"


def test_damage_in_the_open_segment_is_skipped_and_counted_once(
    open_journal: Callable[..., Journal], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = open_journal()
    put(journal, b"aaa", b"bbb")
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes().replace(b"aaa", b"axa"))
    assert [payloads(journal) for _ in range(3)] == [[b"bbb"]] * 3
    assert journal.damage == (1, 21 + 3)
    assert caplog.text.count("damaged at byte 8; 24 bytes cannot be read") == 1


def test_a_segment_removed_by_someone_else_is_passed_over(open_journal: Callable[..., Journal], tmp_path: Path) -> None:
    journal = open_journal(segment=100)
    put(journal, *[b"x" * 100] * 3)
    min(tmp_path.iterdir()).unlink()
    assert len(everything(journal)) == 2


def test_a_segment_file_of_another_version_is_refused(open_journal: Callable[..., Journal], tmp_path: Path) -> None:
    (tmp_path / "0000000000000007.journal").write_bytes(b"CSJRNL9\nwhatever")
    with pytest.raises(StoreError, match="not a journal segment of this version"):
        open_journal()


@pytest.mark.parametrize("content", [b"", b"CSJ", MAGIC, bytes(4096)])
def test_a_segment_that_a_crash_left_empty_is_removed(
    open_journal: Callable[..., Journal], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "0000000000000007.journal").write_bytes(content)
    journal = open_journal()
    assert journal.end == START
    assert list(tmp_path.iterdir()) == []


def test_a_compression_crash_leaves_one_copy_of_a_segment(open_journal: Callable[..., Journal], tmp_path: Path) -> None:
    journal = open_journal(segment=100)
    put(journal, b"x" * 200, b"y" * 200)
    plain = min(tmp_path.iterdir())
    content = plain.read_bytes()
    journal.release(journal.end)
    until(lambda: not plain.exists())
    journal.close()
    plain.write_bytes(content)
    (tmp_path / "0000000000000009.5.journal.tmp").write_bytes(b"half")
    assert payloads(open_journal()) == [b"x" * 200, b"y" * 200]
    assert names(tmp_path) == ["journal", "journal.zst"]
