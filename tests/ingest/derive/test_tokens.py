"""Tokens obey laws: however a sender counts, parts lie within their whole, and what contradicts itself is unknown."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def row_of(span: S) -> dict[str, Any]:
    (row,) = stored(span).rows("attempts")
    return {name: row[column] for name, column in COLUMNS.items()} | {"known": row["token_counting"]}


@pytest.mark.parametrize(
    ("said", "truth"),
    [
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
    ],
)
def test_how_a_sender_counts_is_found_out(said: dict[str, int], truth: tuple[object, ...]) -> None:
    assert tuple(row_of(usage(said)).values()) == truth


def test_a_provider_that_counts_beside_is_believed_against_its_total() -> None:
    found = row_of(usage({"input": 4, "cached": 2183, "output": 104, "total": 108}, "anthropic"))
    assert (found["input"], found["cached"], found["known"]) == (2187, 2183, "arithmetic")


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


@given(st.lists(TRUTHS, min_size=1, max_size=40))
def test_a_sender_that_gives_the_total_is_understood_however_it_counts(truths: list[Truth]) -> None:
    totalled = [replace(each, total=True) for each in truths]
    rows = stored(*(usage(each.said) for each in totalled)).rows("attempts")
    by_trace = {int(row["attempt_id"][:32], 16): row for row in rows}
    for n, each in enumerate(totalled, 1):
        if len(readings(each.said)) == 1:
            assert tuple(by_trace[n][column] for column in COLUMNS.values()) == each.expected


@given(st.lists(TRUTHS, min_size=1, max_size=40))
def test_a_sender_without_a_total_is_understood_or_its_counting_is_said_to_be_assumed(truths: list[Truth]) -> None:
    alone = [replace(each, total=False) for each in truths]
    rows = stored(*(usage(each.said) for each in alone)).rows("attempts")
    by_trace = {int(row["attempt_id"][:32], 16): row for row in rows}
    for n, each in enumerate(alone, 1):
        found = tuple(by_trace[n][column] for column in COLUMNS.values())
        assert found == each.expected or by_trace[n]["token_counting"] in {"assumed", "contradicted"}


@given(
    st.lists(
        st.dictionaries(
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
        ),
        min_size=1,
        max_size=40,
    )
)
def test_the_laws_of_tokens_hold_on_every_row_whatever_is_said(said: list[dict[str, Value]]) -> None:
    store = stored(*(usage({}, more=each) for each in said))
    assert len(store.rows("attempts")) == len(said)
    assert store.rows(f"(SELECT attempt_id FROM attempts WHERE NOT ({LAWS}))") == []


def test_a_row_that_breaks_a_law_cannot_be_stored() -> None:
    store = stored(usage({"input": 10, "output": 5}))
    for column, count in {"cached_tokens": 11, "cache_write_tokens": 11, "reasoning_tokens": 6}.items():
        with pytest.raises(duckdb.ConstraintException), store.store.writing() as writing:
            writing.execute(f"UPDATE attempts SET {column} = {count}")
