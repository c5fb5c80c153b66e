"""What each sender's span comes to, in columns and in attempts: public/senders.json, after their published sources."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tests.ingest.loading import CONVENTIONS, Loaded, loaded
from tests.ingest.spans import S, Value, body
from tests.ingest.translate.test_conventions import EXAMPLES


class Sent(BaseModel):
    """One span of a sender: the vocabulary it speaks, its attributes, and columns of `spans` it comes to."""

    case: str
    vocabulary: str
    name: str = "span"
    kind: int = 1
    scope: str = ""
    attributes: dict[str, Value]
    expect: dict[str, Any]


SENT = [Sent(**row) for row in json.loads((Path(__file__).parent / "public" / "senders.json").read_text("utf-8"))]
TRACES = {sent.case: number for number, sent in enumerate(SENT, 1)}


def _span(sent: Sent) -> bytes:
    span = S(1, 0, sent.attributes, name=sent.name, kind=sent.kind, trace=TRACES[sent.case])
    return body(span, scope=sent.scope)


@pytest.fixture(scope="module")
def store() -> Loaded:
    """Every span, each in a trace of its own."""
    return loaded([("traces", _span(sent)) for sent in SENT])


def _trace(store: Loaded, sent: Sent, table: str) -> list[dict[str, Any]]:
    return store.store.state(
        f"SELECT * FROM {table} WHERE trace_hex(trace_id) = '{TRACES[sent.case]:032x}'"
    ).to_pylist()


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent.case)
def test_a_senders_span_is_read_into_its_columns(sent: Sent, store: Loaded) -> None:
    (row,) = _trace(store, sent, "spans")
    assert sent.vocabulary in row["vocabularies"].split(",")
    assert {name: row[name] for name in sent.expect} == sent.expect
    assert row["invalid"] is None


def test_the_vocabularies_know_every_attribute_of_a_sender(store: Loaded) -> None:
    assert [row["key"] for row in store.rows("attribute_keys")] == []


@pytest.mark.parametrize("sent", [s for s in SENT if s.expect.get("is_call")], ids=lambda sent: sent.case)
def test_a_span_that_names_itself_a_call_is_one_attempt(sent: Sent, store: Loaded) -> None:
    assert len(_trace(store, sent, "attempts")) == 1


WITHOUT_SPANS = {"routellm", "opentelemetry"}  # they add columns to spans of other vocabularies


def test_every_vocabulary_has_a_span_that_speaks_it() -> None:
    spoken = {sent.vocabulary for sent in SENT} | set(EXAMPLES)
    assert {v.name for v in CONVENTIONS.vocabularies} - spoken == WITHOUT_SPANS


def test_vocabulary_conditions_make_no_span_both_a_call_and_a_wrapper() -> None:
    roles = [(role.role, str(role.when)) for v in CONVENTIONS.vocabularies for role in v.roles]
    assert not {when for role, when in roles if role == "call"} & {when for role, when in roles if role == "wrapper"}


WORDS = {
    "chat": [
        "chat",
        "chat.completions",
        "acompletion",
        "generate_content",
        "agenerate_content",
        "responses",
        "stream_text",
    ],
    "completion": ["completion", "text_completion", "atext_completion", "text.completions"],
    "embedding": ["embeddings", "embedding", "aembedding", "create_embeddings"],
    "rerank": ["rerank", "arerank"],
    "image": ["image", "image_generation"],
    "audio": ["speech", "atranscription", "text_to_speech"],
    "moderation": ["moderation", "amoderation"],
    "invoke_agent": ["invoke_agent"],
}


def test_an_operation_word_is_translated_by_its_kind() -> None:
    pairs = [(theirs, ours) for ours, words in WORDS.items() for theirs in words]
    spans = [S(own, 0, {"gen_ai.operation.name": theirs}) for own, (theirs, _) in enumerate(pairs, 1)]
    rows = loaded([("traces", body(*spans))]).store.state("SELECT operation FROM spans ORDER BY span_id").to_pylist()
    assert [row["operation"] for row in rows] == [ours for _, ours in pairs]


def test_the_ai_sdks_outer_and_inner_embedding_are_one_attempt() -> None:
    word: dict[str, Value] = {
        "gen_ai.operation.name": "embeddings",
        "gen_ai.request.model": "e",
        "gen_ai.usage.input_tokens": 28,
    }
    rows = loaded([("traces", body(S(1, 0, word), S(2, 1, word)))]).rows("attempts")
    assert [row["input_tokens"] for row in rows] == [28]
