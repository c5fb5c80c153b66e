"""Attributes that the memory lets pass whole are those that the rule lets pass."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from controlsurface.config import ContentConfig
from controlsurface.ingest.content.attribute_memory import (
    ENTRY_BYTES,
    INTERVAL_ATTRIBUTES,
    MAX_ATTRIBUTE_BYTES,
    MAX_MEMORY_BYTES,
    WINDOW_ATTRIBUTES,
    AttributeMemory,
)
from controlsurface.ingest.content.content_policy import ContentPolicy, Found
from tests.ingest.conftest import policy

KEYS = ["gen_ai.request.model", "server.address", "session.id", "app.note", "gen_ai.input.messages", "x" * 130]
RAW = st.builds(
    lambda key, size, tag, text: b"\x0a" + bytes((size or len(key) % 128,)) + key.encode() + b"\x12" + tag + text,
    st.sampled_from(KEYS),
    st.sampled_from([0, 0, 0, 5, 127, 255]),
    st.sampled_from([b"\x02\x18", b"\x05\x0a\x03", b""]),
    st.binary(max_size=3) | st.just(b"a secret sentence " * 40),
)
SPANS = st.lists(st.lists(RAW | st.binary(max_size=3), max_size=6), max_size=4)


def places(prompts: ContentPolicy, spans: list[list[bytes]], mean: float) -> list[Found]:
    prompts.begin()
    return prompts.suspects(chain.from_iterable(spans), mean)


@given(bodies=st.lists(SPANS, min_size=1, max_size=4))
def test_a_full_attribute_memory_lets_nothing_pass_that_the_rule_checks(bodies: list[list[list[bytes]]]) -> None:
    with_memory, without = (policy(ContentConfig(store="none")) for _ in range(2))
    for spans in bodies * 2:
        places(with_memory, spans, 1e9)  # meets the keys
        places(without, spans, 1e9)
    frequent = [each for spans in bodies for span in spans for each in span] * WINDOW_ATTRIBUTES
    places(with_memory, [frequent[:WINDOW_ATTRIBUTES]], 0)
    for spans in bodies:
        assert places(with_memory, spans, 0) == places(without, spans, 1e9)


def test_the_attribute_memory_takes_no_more_bytes_than_its_bound_and_only_short_values() -> None:
    memory = AttributeMemory()
    for number in range(40):
        values = [b"%d %d" % (number, n % 2000) for n in range(WINDOW_ATTRIBUTES - 2)] + [b"l" * 200] * 2
        memory.learn(values * -(-INTERVAL_ATTRIBUTES // len(values)), lambda _: True)
        assert sum(len(each) + ENTRY_BYTES for each in memory) == memory.size <= MAX_MEMORY_BYTES
        assert max(map(len, memory)) <= MAX_ATTRIBUTE_BYTES


def test_the_attribute_memory_holds_only_values_that_came_twice_and_passed() -> None:
    memory = AttributeMemory()
    once = [b"%d" % n for n in range(WINDOW_ATTRIBUTES - 4)]
    memory.learn([b"twice", b"twice", b"barred", b"barred", *once], lambda each: each != b"barred")
    assert memory == {b"twice"}
