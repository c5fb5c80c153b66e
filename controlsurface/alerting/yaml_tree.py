"""YAML as plain values that remember their lines.

Scalars are read by YAML 1.2's core schema, so that `on` is a text and `1:30` no number. A key given twice is a problem.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

Place = tuple[int | str, ...]

_DEEPEST = 40
_MOST = 200_000  # values, anchors followed
_NUMBER = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?")
_WHOLE = re.compile(r"[-+]?\d+")
_WORDS: Mapping[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Tree:
    """A document's value, the line of each place in it (from 1), and what is wrong with the text itself."""

    value: Any
    lines: Mapping[Place, int]
    problems: tuple[tuple[int, str], ...] = ()

    def line(self, place: Place) -> int:
        """The line of a place, or of the nearest one around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read(text: str) -> Tree:
    """The document's tree; where it cannot be parsed, its value is None and the problem says why."""
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        return Tree(None, {}, ((mark.line + 1 if mark else 1, str(problem.problem or problem.context)),))
    except (yaml.YAMLError, RecursionError) as problem:
        return Tree(None, {}, ((1, str(problem).splitlines()[0]),))
    if root is None:
        return Tree(None, {})
    reading = _Reading({}, [])
    return Tree(reading.value(root, ()), reading.lines, tuple(reading.problems))


@dataclass(slots=True)
class _Reading:
    """What is gathered while nodes become values."""

    lines: dict[Place, int]
    problems: list[tuple[int, str]]
    values: int = 0

    def value(self, node: yaml.Node, place: Place) -> Any:
        """A node as a plain value."""
        self.lines.setdefault(place, node.start_mark.line + 1)
        self.values += 1
        if len(place) > _DEEPEST or self.values > _MOST:
            return self._say(node, "too deep or too large; anchors may repeat themselves")
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, place))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, (*place, i)) for i, each in enumerate(node.value)]
        plain = isinstance(node, yaml.ScalarNode) and not node.style
        return scalar(str(node.value)) if plain else str(node.value)

    def _pairs(self, node: yaml.MappingNode, place: Place) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in seen:
                self._say(key_node, f"'{key}' is given twice, first in line {seen[key]}")
                continue
            seen[key] = self.lines[*place, key] = line
            yield key, self.value(value_node, (*place, key))

    def _say(self, node: yaml.Node, problem: str) -> None:
        self.problems.append((node.start_mark.line + 1, problem))


def scalar(text: str) -> str | float | bool | None:
    """An unquoted scalar's value.

    >>> scalar("0.30"), scalar("15m"), scalar("on"), scalar("null")
    (0.3, '15m', 'on', None)
    """
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
