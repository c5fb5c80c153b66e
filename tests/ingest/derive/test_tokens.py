"""Tokens obey laws: however a sender counts, parts lie within their whole, and what contradicts itself is unknown."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pytest
from hypothesis import strategies as st

from tests.example_batches import check_together
from tests.ingest.loading import Loaded, loaded
from tests.ingest.spans import S, Value, body

NAMES = {
    "input": "gen_ai.usage.input_tokens",
    "cached": "gen_ai.usage.cache_read.input_tokens",
    "written": "gen_ai.usage.cache_write.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
    "total": "gen_ai.usage.total_tokens",
}
COLUMNS = {
    "input": "input_tokens",
    "cached": "cached_tokens",
    "written": "cache_write_tokens",
    "output": "output_tokens",
    "reasoning": "reasoning_tokens",
}
LAWS = """
(input_tokens IS NULL AND cached_tokens IS NULL AND cache_write_tokens IS NULL AND audio_input_tokens IS NULL
    OR input_tokens >= coalesce(cached_tokens, 0) + coalesce(cache_write_tokens, 0)
    AND input_tokens >= coalesce(audio_input_tokens, 0) + coalesce(image_input_tokens, 0))
AND (output_tokens IS NULL AND reasoning_tokens IS NULL AND audio_output_tokens IS NULL
    OR output_tokens >= coalesce(reasoning_tokens, 0)
    AND output_tokens >= coalesce(audio_output_tokens, 0) + coalesce(image_output_tokens, 0))
AND coalesce(cache_write_tokens >= cache_write_1h_tokens, cache_write_1h_tokens IS NULL)
"""


def usage(tokens: Mapping[str, int], provider: str = "", more: Mapping[str, Value] | None = None) -> S:
    attributes: dict[str, Value] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "slm-7b"}
    if provider:
        attributes["gen_ai.provider.name"] = provider
    return S(1, attributes=attributes | {NAMES[name]: count for name, count in tokens.items()} | dict(more or {}))


def stored(*spans: S) -> Loaded:
    """Each span in a trace of its own, numbered from 1."""
    return loaded([("traces", body(*(replace(span, trace=n) for n, span in enumerate(spans, 1))))])


def rows_of(*spans: S) -> list[dict[str, Any]]:
    """The call of each, in their order."""
    rows = {int(row["attempt_id"][:32], 16): row for row in stored(*spans).rows("attempts")}
    return [rows[n] for n in range(1, len(spans) + 1)]


CASES: list[tuple[dict[str, int], tuple[object, ...]]] = [
    # OpenTelemetry: inside, and nothing contradicts it
    ({"input": 104, "cached": 64, "output": 90, "reasoning": 50}, (104, 64, None, 90, 50, "assumed")),
    ({"input": 104, "cached": 64, "output": 90, "total": 194}, (104, 64, None, 90, None, "total")),
    # Anthropic: beside, which a part above its whole shows
    ({"input": 3, "cached": 5758, "written": 6174, "output": 9}, (11935, 5758, 6174, 9, None, "arithmetic")),
    # ... or the total, where no part is above its whole
    ({"input": 500, "cached": 100, "written": 50, "output": 9, "total": 659}, (650, 100, 50, 9, None, "total")),
    # only one of the parts lies beside
    ({"input": 500, "cached": 100, "written": 50, "output": 9, "total": 559}, (550, 100, 50, 9, None, "total")),
    # Gemini: thoughts beside the candidates
    ({"input": 100, "output": 140, "reasoning": 600, "total": 840}, (100, None, None, 740, 600, "total")),
    ({"input": 100, "output": 700, "reasoning": 600, "total": 1400}, (100, None, None, 1300, 600, "total")),
    ({"input": 100, "output": 140, "reasoning": 600}, (100, None, None, 740, 600, "arithmetic")),
    # both at once
    (
        {"input": 3, "cached": 90, "output": 5, "reasoning": 40, "total": 138},
        (93, 90, None, 45, 40, "total"),
    ),
    # one side is missing, and the total tells it
    ({"input": 100, "total": 140}, (100, None, None, 40, None, "total")),
    ({"output": 40, "total": 140}, (100, None, None, 40, None, "total")),
    # a total alone says nothing about either
    ({"total": 140}, (None, None, None, None, None, None)),
    # a part without its whole is part of no sum
    ({"cached": 64, "output": 9}, (None, None, None, 9, None, None)),
    # contradictions: the total says the part lies inside, and it is larger than the whole
    ({"input": 100, "cached": 200, "output": 9, "total": 109}, (100, None, None, 9, None, "contradicted")),
    ({"input": 100, "output": 9, "reasoning": 50, "total": 109}, (100, None, None, 9, None, "contradicted")),
]


@pytest.fixture(scope="module")
def found() -> list[dict[str, Any]]:
    """What all cases come to, loaded at once."""
    return rows_of(*(usage(said) for said, _ in CASES))


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: str(CASES[number][0]))
def test_the_token_counting_of_a_sender_is_found_out(found: list[dict[str, Any]], number: int) -> None:
    row = found[number]
    assert (*(row[column] for column in COLUMNS.values()), row["token_counting"]) == CASES[number][1]


def test_a_provider_that_counts_beside_is_believed_against_its_total() -> None:
    (row,) = rows_of(usage({"input": 4, "cached": 2183, "output": 104, "total": 108}, "anthropic"))
    assert (row["input_tokens"], row["cached_tokens"], row["token_counting"]) == (2187, 2183, "arithmetic")


@dataclass(frozen=True)
class Truth:
    """What a call used, parts inside their whole, and how its sender counts."""

    fresh: int
    cached: int
    written: int
    visible: int
    reasoning: int
    stored_beside: bool
    reasoning_beside: bool
    total: bool

    @property
    def said(self) -> dict[str, int]:
        """As its sender writes it."""
        beside = 0 if self.stored_beside else self.cached + self.written
        output = self.visible + (0 if self.reasoning_beside else self.reasoning)
        parts = {"cached": self.cached, "written": self.written, "reasoning": self.reasoning}
        whole = self.fresh + self.cached + self.written + self.visible + self.reasoning
        return {"input": self.fresh + beside, "output": output, **parts} | ({"total": whole} if self.total else {})

    @property
    def expected(self) -> tuple[int, int, int, int, int]:
        """By our way of counting."""
        read = self.fresh + self.cached + self.written
        return read, self.cached, self.written, self.visible + self.reasoning, self.reasoning


COUNT = st.integers(1, 10**7)
TRUTHS = st.builds(Truth, *[COUNT] * 5, st.booleans(), st.booleans(), st.booleans())


def readings(said: Mapping[str, int]) -> set[tuple[int, int]]:
    """Every lawful (input, output) that the total allows, by trying all ways to count."""
    cached, written, reasoning = said["cached"], said["written"], said["reasoning"]
    found = {
        (said["input"] + read, said["output"] + thought)
        for read in (0, cached, written, cached + written)
        for thought in (0, reasoning)
    }
    return {
        (read, wrote)
        for read, wrote in found
        if read + wrote == said["total"] and read >= cached + written and wrote >= reasoning
    }


def test_a_sender_that_gives_the_total_is_understood_however_it_counts() -> None:
    check_together(st.lists(TRUTHS, min_size=1, max_size=40), what_has_one_reading_is_read)


def what_has_one_reading_is_read(examples: list[list[Truth]]) -> None:
    truths = [replace(each, total=True) for example in examples for each in example]
    for each, row in zip(truths, rows_of(*(usage(each.said) for each in truths)), strict=True):
        if len(readings(each.said)) == 1:
            assert tuple(row[column] for column in COLUMNS.values()) == each.expected


def test_a_sender_without_a_total_is_understood_or_its_counting_is_said_to_be_assumed() -> None:
    check_together(st.lists(TRUTHS, min_size=1, max_size=40), what_is_not_read_is_said_to_be_assumed)


def what_is_not_read_is_said_to_be_assumed(examples: list[list[Truth]]) -> None:
    truths = [replace(each, total=False) for example in examples for each in example]
    for each, row in zip(truths, rows_of(*(usage(each.said) for each in truths)), strict=True):
        found = tuple(row[column] for column in COLUMNS.values())
        assert found == each.expected or row["token_counting"] in {"assumed", "contradicted"}


SAID: st.SearchStrategy[dict[str, Value]] = st.dictionaries(
    st.sampled_from(
        [
            *NAMES.values(),
            "gen_ai.usage.prompt_tokens",
            "gen_ai.usage.details.cached_tokens",
            "ai.usage.reasoningTokens",
            "llm.token_count.prompt_details.cache_read",
            "llm.token_count.prompt_details.audio",
            "acme.cache_creation_input_tokens",
            "acme.audio.output_tokens",
            "gen_ai.usage.cost",
        ]
    ),
    st.one_of(
        st.integers(-5, 10**16),
        st.integers(0, 2000),
        st.floats(),
        st.sampled_from(["", "12", "-1", "1e3", "x"]),
    ),
)


def test_the_laws_of_tokens_hold_on_every_row_whatever_is_said() -> None:
    check_together(st.lists(SAID, min_size=1, max_size=40), every_row_is_lawful)


def every_row_is_lawful(examples: list[list[dict[str, Value]]]) -> None:
    said = [each for example in examples for each in example]
    store = stored(*(usage({}, more=each) for each in said))
    assert len(store.rows("attempts")) == len(said)
    assert store.rows(f"(SELECT attempt_id FROM attempts WHERE NOT ({LAWS}))") == []


def test_an_attempt_that_breaks_a_law_of_tokens_cannot_be_stored() -> None:
    store = stored(usage({"input": 10, "output": 5}))
    for column, count in {"cached_tokens": 11, "cache_write_tokens": 11, "reasoning_tokens": 6}.items():
        with pytest.raises(duckdb.ConstraintException), store.store.writing() as writing:
            writing.execute(f"UPDATE attempts SET {column} = {count}")
