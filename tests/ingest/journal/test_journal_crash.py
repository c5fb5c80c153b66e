"""Whatever a crash leaves in the folder, what was answered is there, and nothing else appears."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from controlsurface.config import JournalConfig as Settings
from controlsurface.ingest.journal.journal import Journal
from tests.ingest.journal.test_journal import payloads, put

CHILD = """
import random, sys
from pathlib import Path
from controlsurface.config import JournalConfig as Settings
from controlsurface.ingest.journal.journal import Journal
journal = Journal(Path(sys.argv[1]), Settings(segment=40_000))
dice, number = random.Random(sys.argv[2]), int(sys.argv[2])
while True:
    futures = []
    for _ in range(dice.randint(1, 20)):
        payload = b"%d " % number + b"x" * dice.randint(0, 3000)
        futures.append((number, journal.append("traces", payload, 1, number)))
        number += 1
    for number_, future in futures:
        future.result()
        print(number_, flush=True)
"""


@given(
    st.lists(st.binary(max_size=60), min_size=1, max_size=8),
    st.data(),
    st.binary(max_size=40) | st.just(bytes(64)),
)
def test_a_journal_cut_anywhere_keeps_a_prefix_and_goes_on(
    written: list[bytes], data: st.DataObject, after: bytes
) -> None:
    with TemporaryDirectory() as folder:
        (path,) = filled(Path(folder), written)
        whole = path.read_bytes()
        cut = data.draw(st.integers(8, len(whole)))  # the first eight are durable before any record
        path.write_bytes(whole[:cut] + after)
        left = reopened(Path(folder), b"more")
    assert left[:-1] == written[: len(left) - 1]
    assert left[-1] == b"more"
    assert len(left) - 1 >= len([end for end in ends(written) if end <= cut])


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=8), st.data())
def test_a_flipped_bit_costs_the_record_that_it_is_in_and_no_other(written: list[bytes], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        (path,) = filled(Path(folder), written)
        damaged = bytearray(path.read_bytes())
        at = data.draw(st.integers(8, len(damaged) - 1))
        damaged[at] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(damaged)
        left = reopened(Path(folder), b"more")
    hit = len([end for end in ends(written) if end <= at])
    assert left == [*written[:hit], *written[hit + 1 :], b"more"]


def filled(folder: Path, written: list[bytes]) -> list[Path]:
    journal = Journal(folder, Settings())
    for each in written:
        journal.append("traces", each, 1, time.time_ns()).result(5)
    journal.close()
    return list(folder.iterdir())


def reopened(folder: Path, more: bytes) -> list[bytes]:
    journal = Journal(folder, Settings())
    put(journal, more)
    left = payloads(journal)
    journal.close()
    return left


def ends(written: list[bytes]) -> list[int]:
    """Where each record ends in its file."""
    lengths = [21 + len(payload) for payload in written]
    return [8 + sum(lengths[: n + 1]) for n in range(len(lengths))]


def test_the_journal_loses_no_acknowledged_record_through_kill_9_at_any_moment(tmp_path: Path) -> None:
    answered: set[int] = set()
    for number in range(3):
        first = number * 1_000_000
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), str(first)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout is not None
        heard = [int(child.stdout.readline()) for _ in range(random.randint(1, 800))]
        child.send_signal(signal.SIGKILL)
        answered |= {*heard, *map(int, child.stdout.read().split(b"\n")[:-1])}
        child.wait(10)
        child.stdout.close()
    journal = Journal(tmp_path, Settings())
    found = [int(payload.split()[0]) for payload in payloads(journal)]
    journal.close()
    assert answered <= set(found)
    assert len(found) == len(set(found))
