"""One item as a reviewer sees it: prompt and two answers on their sides, and nothing that says whose they are."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa

from controlsurface.audit.answer_review.review_labels import choice_of_verdict, left_answer
from controlsurface.client.query_protocol import StoreSession
from controlsurface.ingest.otlp.trace_decoder import attribute_text
from controlsurface.query.statement import Statement
from controlsurface.store.span_json import SPAN_COLUMNS, spans_message

# In order of trust; `#` is a running number. What holds the most exact text comes first.
_PROMPT_KEYS = (
    "gen_ai.input.messages gen_ai.prompt.#.content llm.input_messages.#.message.content ai.prompt.messages "
    "langfuse.observation.input traceloop.entity.input mlflow.chat.messages mlflow.spanInputs "
    "gen_ai.prompt ai.prompt input.value controlsurface.demo.prompt"
).split()
_ANSWER_KEYS = (
    "gen_ai.output.messages gen_ai.completion.#.content llm.output_messages.#.message.content ai.response.text "
    "ai.response.object langfuse.observation.output traceloop.entity.output mlflow.spanOutputs "
    "gen_ai.completion final_result output.value controlsurface.demo.answer"
).split()
_HOLDING = ("messages", "choices", "message", "parts", "content", "text", "output")  # in the order they nest


@dataclass(frozen=True, slots=True)
class PromptAndAnswer:
    """What was asked and what was answered; None: not kept."""

    prompt: str | None = None
    answer: str | None = None


def read_prompt_and_answer(attributes: Mapping[str, str]) -> PromptAndAnswer:
    """The words in a span's attributes.

    >>> messages = '[{"role": "assistant", "parts": [{"type": "text", "content": "Yes."}]}]'
    >>> read_prompt_and_answer({"gen_ai.output.messages": messages})
    PromptAndAnswer(prompt=None, answer='Yes.')
    """
    return PromptAndAnswer(_first_text(attributes, _PROMPT_KEYS), _first_text(attributes, _ANSWER_KEYS))


def _first_text(attributes: Mapping[str, str], names: Iterable[str]) -> str | None:
    """The text of the first name that is there."""
    return next((text for name in names if (text := _text_of(attributes, name))), None)


def _text_of(attributes: Mapping[str, str], name: str) -> str:
    if "#" not in name:
        return message_text(attributes.get(name, ""))
    numbered = re.compile(re.escape(name).replace(r"\#", r"(\d+)"))
    found = sorted((int(match[1]), text) for key, text in attributes.items() if (match := numbered.fullmatch(key)))
    return "\n\n".join(message_text(text) for _, text in found)


def message_text(text: str) -> str:
    r"""JSON messages as what is said in them; anything else as it is.

    >>> message_text('[{"role":"user","content":"Why?"},{"role":"assistant","content":[{"type":"text","text":"So."}]}]')
    'Why?\n\nSo.'
    >>> message_text('{"total": 12}'), message_text("plain")
    ('{"total": 12}', 'plain')
    """
    if not text.startswith(("[", "{", '"')):
        return text
    try:
        tree = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return "\n\n".join(each for each in _leaves(tree) if each) or text


def _leaves(tree: Any) -> Iterator[str]:
    """The texts that messages hold, in order."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list):
        for each in tree:
            if not isinstance(each, str) or len(tree) == 1:
                yield from _leaves(each)
    elif isinstance(tree, dict):
        holder = next((name for name in _HOLDING if tree.get(name)), None)
        if holder:
            yield from _leaves(tree[holder])


_ITEM = ("item_id", "request_id", "started_at", "task_type", "tenant")
_SIDES = [f"{side}_{name}" for side in ("left", "right") for name in ("label", "words", "trace_id", "span_id")]
_NAMES = (*_ITEM, "prompt", *_SIDES, "revision", "verdict", "comment")
_COLUMNS: dict[str, pa.DataType] = dict.fromkeys(_NAMES, pa.string())
REVIEW_CARD_SCHEMA = pa.schema(_COLUMNS | {"started_at": pa.timestamp("us", "UTC"), "revision": pa.int32()})

# The span's own time is near, which makes the look-up fast.
_SPANS = f"""\
SELECT span_hex(span_id) AS span_id, {", ".join(SPAN_COLUMNS)}
FROM spans
WHERE trace_id IN (SELECT CAST(unnest($traces) AS UUID)) AND span_id IN (SELECT CAST(unnest($spans) AS UBIGINT))
    AND started_at BETWEEN $near - INTERVAL 1 DAY AND $near + INTERVAL 1 DAY"""


def review_cards(session: StoreSession, found: pa.Table, reviewer: str) -> pa.Table:
    """Rows of audit_items with this reviewer's newest word, as cards; `revision` is that of the next word."""
    return pa.Table.from_pylist([_card(session, row, reviewer) for row in found.to_pylist()], REVIEW_CARD_SCHEMA)


def _card(session: StoreSession, row: Mapping[str, Any], reviewer: str) -> dict[str, Any]:
    left = left_answer(row["item_id"], reviewer)
    kept = _kept_words(session, row)
    answers = {name: _answer(row, name, kept) for name in ("production", "shadow")}
    other = "production" if left == "shadow" else "shadow"
    prompts = (kept.get(_key(row, name), PromptAndAnswer()).prompt for name in ("production", "shadow"))
    return {
        **{name: row[name] for name in _ITEM},
        "prompt": next((each for each in prompts if each), None),
        **{f"left_{name}": value for name, value in answers[left].items()},
        **{f"right_{name}": value for name, value in answers[other].items()},
        "revision": (row["revision"] or 0) + 1,
        "verdict": choice_of_verdict(row["verdict"], left),
        "comment": row["comment"],
    }


def _answer(row: Mapping[str, Any], name: str, kept: Mapping[str, PromptAndAnswer]) -> dict[str, Any]:
    """One of the two answers."""
    at = "shadow_" if name == "shadow" else ""
    return {
        "label": row["shadow_label" if name == "shadow" else "answer_label"],
        "words": kept.get(_key(row, name), PromptAndAnswer()).answer,
        "trace_id": str(row[f"{at}trace_id"]).replace("-", ""),
        "span_id": _key(row, name),
    }


def _key(row: Mapping[str, Any], name: str) -> str:
    """The id of an answer's span, in hex."""
    return f"{row['shadow_span_id' if name == 'shadow' else 'span_id']:016x}"


def _kept_words(session: StoreSession, row: Mapping[str, Any]) -> dict[str, PromptAndAnswer]:
    """What was asked and answered, by span; nothing where the configuration keeps no content."""
    if session.config.content.store == "none" or row["started_at"] is None:
        return {}
    asked = {
        "traces": [str(row["trace_id"]), str(row["shadow_trace_id"])],
        "spans": [row["span_id"], row["shadow_span_id"]],
        "near": row["started_at"],
    }
    rows = session.rows(Statement(_SPANS, asked, "audits.cards")).to_pylist()
    return {each["span_id"]: read_prompt_and_answer(_attributes(each)) for each in rows}


def _attributes(row: Mapping[str, Any]) -> dict[str, str]:
    """The attributes of a stored span and, where it says nothing itself, of its events."""
    (span,) = spans_message([row]).resource_spans[0].scope_spans[0].spans
    told = [*(each for event in span.events for each in event.attributes), *span.attributes]
    return {each.key: attribute_text(each.value) for each in told}
