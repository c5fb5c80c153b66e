"""YAML as plain values that remember their places in the text.

Scalars are read by YAML 1.2's core schema, so that `on` is a text and `1:30` no number. A key given twice is a problem.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scanner import Scanner

YamlPath = tuple[int | str, ...]

_MAX_DEPTH = 40
_MAX_VALUES = 200_000  # values, anchors followed
_TOO_MUCH = "too deep or too large; anchors may repeat themselves"
_NUMBER_PATTERN = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?")
_INTEGER_PATTERN = re.compile(r"[-+]?\d{1,300}")  # of more digits: infinite, as a float is
_KEYWORDS: Mapping[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class YamlTree:
    """A document's value, what is wrong with the text itself, and of each place its line (from 1) and its characters.

    The characters of an alias are those of its anchor.
    """

    value: Any
    lines: Mapping[YamlPath, int]
    problems: tuple[tuple[int, str], ...] = ()
    spans: Mapping[YamlPath, slice] = field(default_factory=dict)

    def line(self, place: YamlPath) -> int:
        """The line of a place, or of the nearest one around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


class _Scanner(Scanner):
    """Takes what YAML 1.2 allows and ruamel.yaml does not: tabs within a line, and a first blank line with blanks."""

    def scan_to_next_token(self) -> None:
        """A tab parts tokens as a space does; one that would indent does not."""
        super().scan_to_next_token()
        while self.reader.peek() == "\t" and not self.allow_simple_key:
            self.reader.forward()
            super().scan_to_next_token()

    def scan_plain_spaces(self, indent: int, start_mark: Any) -> list[str] | None:
        """Between words of a text, tabs too."""
        white = self._taken(" \t")
        folded: list[str] | None = super().scan_plain_spaces(indent, start_mark)
        return [white] if folded == [] and white else folded

    def scan_block_scalar_indentation(self) -> tuple[list[str], int, Any]:
        """Blank lines before a block's text, and the column of the text."""
        breaks, indent, end = [], 0, self.reader.get_mark()
        while self._taken(" ") or self.reader.peek() in "\r\n\x85\u2028\u2029":
            indent = max(indent, self.reader.column)
            if line_break := self.scan_line_break():
                breaks.append(line_break)
                end = self.reader.get_mark()
        return breaks, indent, end

    def _taken(self, signs: str) -> str:
        """All of these signs that come next."""
        length = 0
        while self.reader.peek(length) in signs:
            length += 1
        found: str = self.reader.prefix(length)
        self.reader.forward(length)
        return found


def value_at(value: Any, place: YamlPath) -> Any:
    """The value at a place; None where there is none."""
    for part in place:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def compose_yaml(text: str) -> Node | None:
    """The document's node, with its places in the text. Raises YAMLError, RecursionError."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _Scanner
    yaml.composer.warn_double_anchors = False  # YAML allows them
    found: Node | None = yaml.compose(text)
    return found


def parse_yaml(text: str) -> YamlTree:
    """The document's tree; where it cannot be parsed, its value is None and the problem says why."""
    reading = _TreeBuilder()
    try:
        root = compose_yaml(text)
        value = None if root is None else reading.value(root, ())
    except MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        return YamlTree(None, {}, ((mark.line + 1 if mark else 1, str(problem.problem or problem.context)),))
    except YAMLError as problem:
        return YamlTree(None, {}, ((1, str(problem).splitlines()[0]),))
    except RecursionError:
        return YamlTree(None, {}, ((1, _TOO_MUCH),))
    return YamlTree(value, reading.lines, tuple(reading.problems), reading.spans)


@dataclass(slots=True)
class _TreeBuilder:
    """What is gathered while nodes become values."""

    lines: dict[YamlPath, int] = field(default_factory=dict)
    spans: dict[YamlPath, slice] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)
    values: int = 0

    def value(self, node: Node, place: YamlPath) -> Any:
        """A node as a plain value."""
        self.lines.setdefault(place, node.start_mark.line + 1)
        self.spans[place] = slice(node.start_mark.index, node.end_mark.index)
        self.values += 1
        if len(place) > _MAX_DEPTH or self.values > _MAX_VALUES:
            return self._say(node, _TOO_MUCH)
        if isinstance(node, MappingNode):
            return dict(self._pairs(node, place))
        if isinstance(node, SequenceNode):
            return [self.value(each, (*place, i)) for i, each in enumerate(node.value)]
        plain = isinstance(node, ScalarNode) and not node.style
        return parse_yaml_scalar(str(node.value)) if plain else str(node.value)

    def _pairs(self, node: MappingNode, place: YamlPath) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._say(key_node, "a key must be a text")
                continue
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in seen:
                self._say(key_node, f"'{key}' is given twice, first in line {seen[key]}")
                continue
            seen[key] = self.lines[*place, key] = line
            yield key, self.value(value_node, (*place, key))

    def _say(self, node: Node, problem: str) -> None:
        self.problems.append((node.start_mark.line + 1, problem))


def parse_yaml_scalar(text: str) -> str | float | bool | None:
    """An unquoted scalar's value.

    >>> parse_yaml_scalar("0.30"), parse_yaml_scalar("15m"), parse_yaml_scalar("on"), parse_yaml_scalar("null")
    (0.3, '15m', 'on', None)
    """
    if text in _KEYWORDS:
        return _KEYWORDS[text]
    if _INTEGER_PATTERN.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER_PATTERN.fullmatch(text) else text
