"""Prompts and answers: which attributes hold them (collectors/ says so), and what may reach the disk."""

import re
from collections.abc import Iterable, Iterator, MutableSequence
from fnmatch import fnmatchcase, translate
from operator import attrgetter

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from controlsurface.config import Content
from controlsurface.ingest.conventions import Kept, Vocabulary
from controlsurface.ingest.otlp import text_of
from controlsurface.ingest.redact import Redactor, Tree

Attributes = MutableSequence[KeyValue]
Path = tuple[str, ...]

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\*|\d+)\]")
_NOTHING = object()
_KEY = attrgetter("key")


class Prompts:
    """The content policy, applied in place to decoded messages; every method tells whether it changed anything."""

    def __init__(self, content: Content, vocabularies: Iterable[Vocabulary]) -> None:
        known = tuple(vocabularies)
        self.stored = content.store == "all"
        self._redactor = Redactor(content.redact) if content.store == "redacted" else None
        self._holds = _Holds(glob for each in known for glob in each.content)
        self._kept = [_Facts(kept) for each in known for kept in each.content_keep]
        self._partly = {facts.key for facts in self._kept}

    def clean(self, attributes: Attributes) -> bool:
        """Drop or redact the attributes that hold prompts or answers; facts inside them stay."""
        if self.stored:
            return False
        holds, keys = self._holds, [*map(_KEY, attributes)]
        if holds.none.issuperset(keys):  # nearly always, so without a step in Python
            return False
        found = [at for at, key in enumerate(keys) if holds[key]]
        return bool(found) and self._cleaned(attributes, found, keys)

    def clean_body(self, body: AnyValue) -> bool:
        """A log record's body is content as a whole."""
        if self.stored or not body.WhichOneof("value"):
            return False
        if self._redactor:
            return _redact(body, self._redactor)
        body.Clear()
        return True

    def _cleaned(self, attributes: Attributes, found: list[int], keys: list[str]) -> bool:
        """Whether anything changed; from the back, so that places stay right."""
        if self._redactor:
            changed = [_redact(attributes[at].value, self._redactor) for at in found]
            return any(changed)
        partly = {at for at in found if keys[at] in self._partly}
        facts = {each.key: text_of(each.value) for each in attributes} if partly else {}
        for at in reversed(found):
            if at in partly and (left := self._left(attributes[at], facts)):
                attributes[at].value.CopyFrom(AnyValue(string_value=left))
            else:
                del attributes[at]
        return True

    def _left(self, attribute: KeyValue, facts: dict[str, str]) -> str:
        """The JSON of the facts inside an attribute; empty where there are none."""
        paths = [path for kept in self._kept if kept.concerns(attribute.key, facts) for path in kept.paths]
        return reduced(attribute.value.string_value, paths) if paths else ""


class _Holds(dict[str, bool]):
    """Whether a key holds content, decided once a key."""

    _MOST = 100_000  # senders choose the keys, so the memory of them is bounded

    def __init__(self, globs: Iterable[str]) -> None:
        super().__init__()
        self.none: set[str] = set()  # the keys that hold none
        self._match = re.compile("|".join(map(translate, globs)) or r"(?!)").match

    def __missing__(self, key: str) -> bool:
        verdict = self._match(key) is not None
        if len(self) >= self._MOST:
            self.clear()
            self.none.clear()
        if len(key) <= 256:
            self[key] = verdict
            self.none.update(() if verdict else (key,))
        return verdict


class _Facts:
    """A `content_keep` entry, ready to ask."""

    def __init__(self, kept: Kept) -> None:
        self.key = kept.key
        self._when = kept.when
        self.paths = [steps(path) for path in kept.paths]

    def concerns(self, key: str, facts: dict[str, str]) -> bool:
        return key == self.key and all(_holds(facts.get(name), wanted) for name, wanted in self._when.items())


def _holds(given: str | None, wanted: str | bool | tuple[str, ...]) -> bool:
    """One part of a vocabulary's condition, as in collectors/README.md."""
    if isinstance(wanted, bool):
        return bool(given) == wanted
    words = (wanted,) if isinstance(wanted, str) else wanted
    return given is not None and any(fnmatchcase(given, word) if "*" in word else given == word for word in words)


def steps(path: str) -> Path:
    """A JSON path as its steps.

    >>> steps("$.answers.*.choice"), steps("$.items[*].score")
    (('answers', '*', 'choice'), ('items', '*', 'score'))
    """
    return tuple(name or index for name, index in _STEP.findall(path.removeprefix("$")))


def reduced(text: str, paths: Iterable[Path]) -> str:
    """The JSON `text` with nothing left but numbers, words and flags at `paths`; empty where nothing is.

    >>> reduced('{"answers": {"lane": {"choice": "small", "why": "he asked for ..."}}}', [steps("$.answers.*.choice")])
    '{"answers":{"lane":{"choice":"small"}}}'
    """
    try:
        left = _pruned(orjson.loads(text), tuple(paths))
    except orjson.JSONDecodeError:
        return ""
    return "" if left is _NOTHING else orjson.dumps(left).decode()


def _pruned(tree: Tree, paths: tuple[Path, ...]) -> object:
    """The part of a tree that paths lead to; lists keep their length, so that places stay right."""
    if not isinstance(tree, dict | list):
        return tree if () in paths else _NOTHING
    if not paths:
        return _NOTHING
    if isinstance(tree, list):
        items = [_pruned(each, _after(str(at), paths)) for at, each in enumerate(tree)]
        left = [None if each is _NOTHING else each for each in items]
        return left if any(each is not _NOTHING for each in items) else _NOTHING
    members = {name: _pruned(each, _after(name, paths)) for name, each in tree.items()}
    return {name: each for name, each in members.items() if each is not _NOTHING} or _NOTHING


def _after(step: str, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    return tuple(path[1:] for path in paths if path and path[0] in {step, "*"})


def _redact(value: AnyValue, redactor: Redactor) -> bool:
    """Redact every text in a value."""
    changed = False
    for each in _leaves(value):
        if each.HasField("bytes_value"):  # cannot be looked into
            each.string_value, changed = "[bytes]", True
        elif (clean := redactor.text(each.string_value)) != each.string_value:
            each.string_value, changed = clean, True
    return changed


def _leaves(value: AnyValue) -> Iterator[AnyValue]:
    """The texts and bytes of a value, however deep."""
    kind = value.WhichOneof("value")
    if kind in {"string_value", "bytes_value"}:
        yield value
    elif kind == "array_value":
        for each in value.array_value.values:
            yield from _leaves(each)
    elif kind == "kvlist_value":
        for pair in value.kvlist_value.values:
            yield from _leaves(pair.value)
