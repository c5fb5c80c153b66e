"""Prompt and answer of a model call, out of the attributes in which the vocabularies keep them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

# In order of trust; `#` is a running number. What holds the most exact text comes first.
_PROMPT_KEYS = (
    "gen_ai.input.messages",
    "gen_ai.prompt.#.content",
    "llm.input_messages.#.message.content",
    "ai.prompt.messages",
    "langfuse.observation.input",
    "traceloop.entity.input",
    "mlflow.chat.messages",
    "mlflow.spanInputs",
    "gen_ai.prompt",
    "ai.prompt",
    "input.value",
)
_ANSWER_KEYS = (
    "gen_ai.output.messages",
    "gen_ai.completion.#.content",
    "llm.output_messages.#.message.content",
    "ai.response.text",
    "ai.response.object",
    "langfuse.observation.output",
    "traceloop.entity.output",
    "mlflow.spanOutputs",
    "gen_ai.completion",
    "final_result",
    "output.value",
)
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
    return PromptAndAnswer(_first(attributes, _PROMPT_KEYS), _first(attributes, _ANSWER_KEYS))


def _first(attributes: Mapping[str, str], names: Iterable[str]) -> str | None:
    """The text of the first name that is there."""
    return next((text for name in names if (text := _text(attributes, name))), None)


def _text(attributes: Mapping[str, str], name: str) -> str:
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
