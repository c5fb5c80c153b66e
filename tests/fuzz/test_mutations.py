"""The fuzzers' properties on a few hundred mutations of captured bodies: cut, doubled, overwritten."""

from hypothesis import given
from hypothesis import strategies as st

from controlsurface.ingest.journal.segment_file import MAGIC, frame_record
from tests.fuzz.properties import (
    a_body_is_refused_or_kept_whole_clean_and_readable,
    a_damaged_segment_gives_sound_records_or_is_refused,
    seeds,
)

SEEDS = [seed for seed in seeds() if len(seed) < 20_000]
SEGMENT = MAGIC + b"".join(frame_record("logs", payload, 1, 2) + payload for payload in (b"a", b"b" * 50, b"c" * 7))


def mutated(whole: bytes, data: st.DataObject) -> bytes:
    """One to four places changed."""
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(whole)))
        end = data.draw(st.integers(begin, min(begin + 40, len(whole))))
        put = data.draw(
            st.binary(max_size=6) | st.just(whole[begin:end] * 2) | st.sampled_from([b"\xff" * 10, bytes(8)])
        )
        whole = whole[:begin] + put + whole[end:]
    return whole


@given(st.sampled_from(SEEDS), st.integers(0, 2), st.data())
def test_mutated_captures_are_refused_or_kept_whole_clean_and_readable(
    seed: bytes, policy: int, data: st.DataObject
) -> None:
    a_body_is_refused_or_kept_whole_clean_and_readable(bytes([seed[0] + 6 * policy]) + mutated(seed[1:], data))


@given(st.data())
def test_mutated_segments_give_sound_records_or_are_refused(data: st.DataObject) -> None:
    a_damaged_segment_gives_sound_records_or_is_refused(mutated(SEGMENT, data))
