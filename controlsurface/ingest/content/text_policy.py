"""What of a text, and of texts in JSON and Python literals at any depth, is kept: identifiers and what columns read."""

import json
import re
from collections.abc import Callable, Iterator

import orjson

from controlsurface.config import ContentConfig
from controlsurface.ingest.content.column_reads import ColumnParts, JsonPath, remaining_paths
from controlsurface.ingest.wire.drop_marks import (
    DROP_MARK_PREFIX,
    drop_mark,
    is_drop_mark,
    leading_drop_mark,
    truncate_with_mark,
)

Tree = dict[str, "Tree"] | list["Tree"] | str | int | float | bool | None

# ASCII, since some scripts write whole sentences without white space; no `%`, `?` and `&`, with which URLs carry text.
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.:/@#=+~*$-]*")
_WORD = re.compile(r"[a-z][a-z0-9_.-]*")
_KINDS = frozenset(("role", "type", "kind", "object", "finish_reason"))  # members that hold a word of an enumeration
_MODELS = frozenset(("model", "model_name", "model_id"))
_MAX_DEPTH = 64
_MAX_GROWTH_CHARACTERS = 4096  # characters that a marked copy of a structure may always have
_MAX_PARSED_CHARACTERS = (
    4 << 20
)  # characters of a structure that is looked into: parsed ones take many times their size
_MAX_PUNCTUATION_CHARACTERS = (
    256  # characters without text, such as brackets or digits, that a literal has in one place at most
)
_NOTHING = object()
_LITERAL = re.compile(
    r"""(?P<text>'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")(?P<name>\s*+:)?"""
    r"|[\s\[\](){},:]++|(?:True|False|None|true|false|null)\b|-?\d++(?:\.\d++)?(?:[eE][+-]?\d++)?(?!\w)",
    re.DOTALL,
)


class TextPolicy:
    """The rule for texts."""

    def __init__(self, content: ContentConfig, is_fact: Callable[[str], bool], spend: Callable[[int], None]) -> None:
        self._bounds = content
        self._is_fact = is_fact
        self.spend = spend  # takes looks at values; raises BadBody where a body asks for too many

    def is_identifier(self, text: str) -> bool:
        """Whether a text is too short and too plain to hold what somebody said."""
        return len(text) <= self._bounds.max_identifier and _IDENTIFIER.fullmatch(text) is not None

    def fact(self, text: str) -> str:
        """What a column reads, up to its length."""
        return truncate_with_mark(text, self._bounds.max_fact)

    def name(self, text: str) -> str:
        """A name, or how long it was where it is too long for one."""
        return text if len(text) <= self._bounds.max_name or is_drop_mark(text) else drop_mark(len(text))

    def member_name(self, text: str) -> str:
        """The name of a member of a structure: as a name, but without white space."""
        plain = len(text) <= self._bounds.max_name and _IDENTIFIER.fullmatch(text) is not None
        return text if plain or is_drop_mark(text) else drop_mark(len(text))

    def other(self, text: str, parts: ColumnParts, *, identifiers: bool) -> str:
        """A text under a name that nobody vouches for; `identifiers`: whether it may stay where it is one."""
        if (
            is_drop_mark(text)
            or not text
            or (identifiers and self.is_identifier(text))
            or self._is_reduced(text, parts)
        ):
            return text
        left = self.structured(text, parts, identifiers=identifiers)
        found = self._stretches(text, parts)
        if found == [text]:
            return text
        dropped = leading_drop_mark(text) or drop_mark(len(text))
        if not found:
            return left or dropped
        # The first form in which the patterns read what they read before; a wrong figure would be worse than none.
        reduced = (json.dumps([dropped, *found], ensure_ascii=False), "\n".join([dropped, *found]))
        forms = (left or dropped, *(form for form in reduced if self._is_reduced(form, parts)))
        return next((form for form in forms if parts.read_alike(text, form)), dropped)

    def _stretches(self, text: str, parts: ColumnParts) -> list[str]:
        """What the patterns read of a text and would read again of it alone."""
        return [each for each in map(self.fact, parts.matched(text)) if self._is_stretch(each, parts)]

    def _is_stretch(self, text: str, parts: ColumnParts) -> bool:
        return text in map(self.fact, parts.matched(text))

    def _is_reduced(self, text: str, parts: ColumnParts) -> bool:
        """Whether a text is a mark and what the patterns read, as a list or in lines; such a text stays."""
        if not parts.patterns or not text.removeprefix('["').startswith(DROP_MARK_PREFIX):
            return False
        items = _items(text)
        return (
            1 < len(items) <= 1 + len(parts.patterns)
            and is_drop_mark(items[0])
            and all(self._is_stretch(each, parts) for each in items[1:])
        )

    def structured(self, text: str, parts: ColumnParts, *, identifiers: bool = False) -> str | None:
        """JSON or a Python literal without its texts; None where it is neither."""
        if text.lstrip()[:1] not in {"[", "{", '"', "("} or len(text) > _MAX_PARSED_CHARACTERS:
            return None
        left = self._json(text, parts, strict=False, identifiers=identifiers)
        if left is None and (left := self._literal(text)):
            left = self._json(left, parts, strict=False, identifiers=identifiers) or left  # as it is the second time
        if left is not None and len(left) > max(len(text), _MAX_GROWTH_CHARACTERS):
            return self.parts_only(text, parts) or drop_mark(len(text))
        return left

    def parts_only(self, text: str, parts: ColumnParts) -> str:
        """The JSON of the parts that columns read; empty where there are none."""
        return (
            parts.paths
            and len(text) <= _MAX_PARSED_CHARACTERS
            and self._json(text, parts, strict=True, identifiers=False)
        ) or ""

    def member(self, name: str, text: str) -> bool:
        """Whether the name of a member vouches for its text."""
        if name in _KINDS:
            return len(text) <= self._bounds.max_identifier and _WORD.fullmatch(text) is not None
        return (name in _MODELS or self._is_fact(name)) and self.is_identifier(text)

    def leaf(self, name: str, text: str, parts: ColumnParts) -> str:
        """A text inside a structure."""
        if is_drop_mark(text) or not text or self.member(name, text):
            return text
        return next(iter(self._stretches(text, parts)), drop_mark(len(text)))

    def _json(self, text: str, parts: ColumnParts, *, strict: bool, identifiers: bool) -> str | None:
        """What is left of JSON, with spaces where it had them; None for what is not JSON, empty where nothing is."""
        try:
            left = _Pruning(self, parts, strict, identifiers).tree(orjson.loads(text), parts.paths)
            if left is _NOTHING:
                return ""
            spaced = '": ' in text or '", ' in text
            return json.dumps(left, ensure_ascii=False, allow_nan=False) if spaced else orjson.dumps(left).decode()
        except (ValueError, orjson.JSONEncodeError):
            return None

    def _literal(self, text: str) -> str | None:
        """What is left of a Python literal; None for what is none."""
        left = [*self._tokens(text)]
        return None if None in left else "".join(each for each in left if each)

    def _tokens(self, text: str) -> Iterator[str | None]:
        at, name = 0, ""
        while at < len(text):
            found = _LITERAL.match(text, at)
            if not found or (not found["text"] and found.end() - at > _MAX_PUNCTUATION_CHARACTERS):
                yield None
                return
            at = found.end()
            self.spend(1)
            if found["text"]:
                inside, quote = found["text"][1:-1], found["text"][0]
                left = self.member_name(inside) if found["name"] else self.leaf(name, inside, ColumnParts())
                yield f"{quote}{left}{quote}{found['name'] or ''}"
                name = inside if found["name"] else ""
            else:
                yield found[0]


def _items(text: str) -> list[str]:
    """The strings of a JSON list, or the lines of what is none; nothing of another list."""
    if not text.startswith("["):
        return text.split("\n")
    try:
        items = json.loads(text)
    except ValueError:
        return text.split("\n")
    return items if all(isinstance(each, str) for each in items) else []


class _Pruning:
    """One walk over JSON. `strict` leaves nothing but the parts; else numbers and flags stay, and texts are marked."""

    def __init__(self, texts: TextPolicy, parts: ColumnParts, strict: bool, identifiers: bool) -> None:
        self._texts, self._parts, self._strict, self._identifiers = texts, parts, strict, identifiers

    def tree(self, tree: Tree, paths: tuple[JsonPath, ...], name: str = "", depth: int = 0) -> object:
        """What is left of a tree."""
        here = () in paths
        if isinstance(tree, str):
            return self._text(tree, name, here=here, depth=depth)
        if not isinstance(tree, dict | list):
            return _NOTHING if self._strict and not here else tree
        if depth >= _MAX_DEPTH or (self._strict and not paths):
            return _NOTHING
        self._texts.spend(len(tree))
        left = self._list(tree, paths, depth) if isinstance(tree, list) else self._dict(tree, paths, depth)
        return _NOTHING if here and left != tree else left

    def _text(self, text: str, name: str, *, here: bool, depth: int) -> object:
        if here:
            return self._texts.fact(text)
        if self._strict:
            return _NOTHING
        if not depth and self._identifiers and self._texts.is_identifier(text):
            return text
        return self._texts.leaf(name, text, self._parts)

    def _list(self, tree: list[Tree], paths: tuple[JsonPath, ...], depth: int) -> object:
        """Lists keep their length, so that places stay right."""
        items = [self.tree(each, remaining_paths(str(at), paths), "", depth + 1) for at, each in enumerate(tree)]
        if self._strict and all(each is _NOTHING for each in items):
            return _NOTHING
        return [None if each is _NOTHING else each for each in items]

    def _dict(self, tree: dict[str, Tree], paths: tuple[JsonPath, ...], depth: int) -> object:
        deeper = {name: remaining_paths(name, paths) for name in tree}
        members = {
            name if deeper[name] else self._texts.member_name(name): self.tree(each, deeper[name], name, depth + 1)
            for name, each in tree.items()
        }
        left = {name: each for name, each in members.items() if each is not _NOTHING}
        return left or (_NOTHING if self._strict else left)
