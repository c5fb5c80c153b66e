"""One flipped byte in a journal whose store is lost costs the record that it is in, wherever it is.

Elsewhere everything behind it is deleted (prometheus/prometheus issues 4705 and 13152), a second damage stays unseen
(issue 18552), the log names no file (issue 7506), or nothing starts (opentelemetry-collector-contrib issue 35899).
"""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from controlsurface.collector.ingest_engine import running_engine
from controlsurface.config import Config
from controlsurface.config import JournalConfig as Settings
from controlsurface.ingest.journal import segment_file as segments
from controlsurface.ingest.journal.journal import Journal
from controlsurface.ingest.journal.salvage import RECORD_FRAME
from controlsurface.ingest.journal.segment_file import MAGIC, JournalPosition, JournalSegment, frame_record
from controlsurface.ingest.wire.otlp_request import RequestBody
from tests.ingest.otlp_bodies import body, span, traces

CHANCE = random.Random(7)
PAYLOADS = [traces(span({"n": n, "text": "word " * (n % 7)})).SerializeToString() for n in range(12)] + [
    b"",
    b"\0" * 90,
]


def written(folder: Path) -> JournalSegment:
    """A segment of all payloads, as the journal leaves it."""
    now = time.time_ns()
    parts = [frame_record("traces", each, 1, now + n) + each for n, each in enumerate(PAYLOADS)]
    path = folder / "0000000000000001.journal"
    path.write_bytes(MAGIC + b"".join(parts))
    return JournalSegment(1, path, path.stat().st_size, path.stat().st_size)


def packed(folder: Path) -> JournalSegment:
    return segments.pack_segment(written(folder))


def packed_as_before(folder: Path) -> JournalSegment:
    """One stream of zstd, as earlier versions packed it."""
    plain = written(folder)
    path = folder / f"{1:016d}.{plain.length}.journal.zst"
    with pa.output_stream(str(path), compression="zstd") as out:
        out.write(plain.path.read_bytes())
    plain.path.unlink()
    return JournalSegment(1, path, path.stat().st_size, plain.length)


def recovered(folder: Path) -> list[bytes]:
    """What a journal that is opened on the folder reads from its beginning."""
    journal = Journal(folder, Settings())
    try:
        found, after = [], JournalPosition(0, 0)
        while more := journal.read(after, 1 << 20):
            found += [each.payload for each in more]
            after = more[-1].end
        return found
    finally:
        journal.close()


def flipped(data: bytes, at: int, bits: int) -> bytes:
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


@pytest.mark.parametrize("made", [written, packed])
def test_one_flipped_byte_anywhere_costs_at_most_the_record_that_it_is_in(
    made: Callable[[Path], JournalSegment], tmp_path: Path
) -> None:
    segment = made(tmp_path)
    sound = segment.path.read_bytes()
    for at in [*range(8 + RECORD_FRAME.size), *CHANCE.sample(range(len(sound)), 150), len(sound) - 1]:
        segment.path.write_bytes(flipped(sound, at, CHANCE.randrange(1, 256)))
        left = recovered(tmp_path)
        assert len(left) >= len(PAYLOADS) - 1, at
        assert is_part(left, PAYLOADS), at
        segment.path.write_bytes(sound)


def is_part(some: list[bytes], whole: list[bytes]) -> bool:
    """Whether all of one list stand in the other in the same order."""
    rest = iter(whole)
    return all(each in rest for each in some)


@pytest.mark.parametrize("made", [written, packed, packed_as_before])
def test_sound_segments_of_every_form_are_read_whole(made: Callable[[Path], JournalSegment], tmp_path: Path) -> None:
    made(tmp_path)
    assert recovered(tmp_path) == PAYLOADS


def test_a_segment_packed_by_an_earlier_version_is_read_up_to_its_damage(tmp_path: Path) -> None:
    segment = packed_as_before(tmp_path)
    data = segment.path.read_bytes()
    segment.path.write_bytes(flipped(data, len(data) - 3, 255))
    left = recovered(tmp_path)
    assert left == PAYLOADS[: len(left)]


def test_any_zstd_can_unpack_a_packed_segment(tmp_path: Path) -> None:
    plain = written(tmp_path).path.read_bytes()
    segment = segments.pack_segment(JournalSegment(1, tmp_path / "0000000000000001.journal", len(plain), len(plain)))
    with pa.input_stream(str(segment.path), compression="zstd") as stream:
        assert stream.read() == plain


def test_several_damages_cost_no_more_than_the_records_they_are_in(tmp_path: Path) -> None:
    segment = packed(tmp_path)
    data = bytearray(segment.path.read_bytes())
    for at in CHANCE.sample(range(len(data)), 3):
        data[at] ^= 1
    segment.path.write_bytes(data)
    assert len(recovered(tmp_path)) >= len(PAYLOADS) - 3


def test_a_record_inside_of_a_payload_is_no_record_where_its_own_is_damaged(tmp_path: Path) -> None:
    inner = frame_record("traces", b"forged", 1, time.time_ns()) + b"forged"
    outer = frame_record("traces", b"a" + inner, 1, time.time_ns()) + b"a" + inner
    last = frame_record("traces", b"last", 1, time.time_ns()) + b"last"
    (tmp_path / "0000000000000001.journal").write_bytes(MAGIC + flipped(outer, RECORD_FRAME.size, 1) + last)
    assert recovered(tmp_path) == [b"last"]


def test_packing_keeps_what_is_left_of_a_damaged_segment(tmp_path: Path) -> None:
    segment = written(tmp_path)
    segment.path.write_bytes(flipped(segment.path.read_bytes(), 400, 255))
    before = recovered(tmp_path)
    segments.pack_segment(segment)
    assert len(before) == len(PAYLOADS) - 1
    assert recovered(tmp_path) == before


def test_spans_outside_a_damaged_record_are_stored_after_a_lost_store_and_the_loss_is_counted(
    tmp_path: Path,
) -> None:
    bodies = [body(2) for _ in range(8)]
    with running_engine(tmp_path, Config()) as engine:
        for each in bodies:
            engine.intake.take(RequestBody("traces", each))
    (tmp_path / "controlsurface.duckdb").unlink()
    (path,) = (tmp_path / "journal").iterdir()
    path.write_bytes(flipped(path.read_bytes(), path.stat().st_size // 2, 4))
    with running_engine(tmp_path, Config()) as engine:
        assert engine.writer.drain()
        stored = engine.store.state("SELECT count(*) AS n FROM spans")["n"][0].as_py()
        counts = engine.counters.snapshot()
    assert stored == 2 * (len(bodies) - 1)
    assert counts["journal_damages"] == 1
    assert counts["journal_lost_bytes"] == RECORD_FRAME.size + len(bodies[0])
