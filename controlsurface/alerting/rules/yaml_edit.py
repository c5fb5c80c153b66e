"""Single values of a YAML text changed in place: comments, order and all other characters stay as they are."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from controlsurface.alerting.rules.rule_overrides import merge_patch
from controlsurface.alerting.rules.yaml_tree import YamlPath, compose_yaml, parse_yaml, parse_yaml_scalar, value_at
from controlsurface.errors import BadRequest

_PLAIN_PATTERN = re.compile(r"[A-Za-z0-9_][\w./-]*(?: [\w./-]+)*")
_WORDS_OF_YAML_1_1 = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # which other readers take for flags


def yaml_text(value: Any) -> str:
    """A value in one line.

    >>> yaml_text({"by": ["task_type"], "above": 0.3, "for": "10m", "where": {"lane": [None, "on"]}})
    '{by: [task_type], above: 0.3, for: 10m, where: {lane: [null, "on"]}}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{yaml_text(name)}: {yaml_text(each)}" for name, each in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(yaml_text, value)) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if not isinstance(value, str):
        return json.dumps(value)
    plain = _PLAIN_PATTERN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML_1_1
    return value if plain and parse_yaml_scalar(value) == value else json.dumps(value, ensure_ascii=False)


def patch_table(text: str, place: YamlPath, patch: Mapping[str, Any]) -> str:
    """The text with a patch (RFC 7396) merged into the table at a place. Raises BadRequest where that cannot be."""
    before = parse_yaml(text).value
    changed = text
    for name, value in patch.items():
        changed = _with_key(changed, place, name, value)
    return _checked(changed, _put(before, place, merge_patch(value_at(before, place), patch)))


def append_to_list(text: str, place: YamlPath, item: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    """The text with one more table in the list at a place; `notes` are comments in it. Raises BadRequest."""
    before = parse_yaml(text).value
    node = _node(text, place)
    if not isinstance(node, SequenceNode):
        raise BadRequest("the file has no list there")
    expected = _put(before, place, [*value_at(before, place), dict(item)])
    if node.flow_style:
        at = _end(text, node.value[-1]) if node.value else node.start_mark.index + 1
        return _checked(text[:at] + (", " if node.value else "") + yaml_text(item) + text[at:], expected)
    at = _line_end(text, _end(text, node))
    gap = _newline(text) * (1 + _has_gaps(text, node))
    return _checked(
        text[:at] + gap + table_lines(item, node.start_mark.column, _newline(text), notes) + text[at:], expected
    )


def table_lines(item: Mapping[str, Any], indent: int, newline: str = "\n", notes: Sequence[str] = ()) -> str:
    """A table as an item of a list, a line a key; `notes` are comments behind its first."""
    keys = [f"{name}: {yaml_text(value)}" for name, value in item.items()]
    comments = [f"# {' '.join(note.split())}" for note in notes if note.strip()]
    head, *rest = [keys[0], *comments, *keys[1:]]
    return newline.join([f"{' ' * indent}- {head}", *(f"{' ' * (indent + 2)}{each}" for each in rest)])


def remove_from_list(text: str, place: YamlPath) -> str:
    """The text without the item at a place of a list; comments before it stay. Raises BadRequest."""
    before = parse_yaml(text).value
    parent, i = _node(text, place[:-1]), int(place[-1])
    items = list(value_at(before, place[:-1]))
    expected = _put(before, place[:-1], [*items[:i], *items[i + 1 :]])
    node = parent.value[i]
    if len(items) == 1:
        start = parent.start_mark.index
        stop = _end(text, parent) + (1 if parent.flow_style else 0)
        return _checked(text[:start] + ("[]" if parent.flow_style else "  []") + text[stop:], expected)
    if parent.flow_style:
        return _checked(_without_flow_item(text, [(each, each) for each in parent.value], i), expected)
    dash = text.rindex("-", 0, node.start_mark.index)
    return _checked(_without_lines(text, dash, _end(text, node)), expected)


def _with_key(text: str, place: YamlPath, name: str, value: Any) -> str:
    """The table at a place with one key set, merged or removed (None)."""
    node: MappingNode = _node(text, place)
    if not isinstance(node, MappingNode):
        raise BadRequest("the file has no table there")
    names = [str(key.value) for key, _ in node.value]
    if name not in names:
        return text if value is None else _with_new_key(text, node, name, merge_patch(None, value))
    i = names.index(name)
    old = node.value[i][1]
    if value is None:
        return _without_key(text, node, i)
    if isinstance(value, Mapping) and isinstance(old, MappingNode) and old.value:
        for inner, each in value.items():
            text = _with_key(text, (*place, name), inner, each)
        return text
    stop = _end(text, old) + _closing(old)
    comments = (
        re.findall(r"(?m)^[ \t]*#.*$|(?<=\s)#.*$", text[old.start_mark.index : stop]) if not _closing(old) else []
    )
    kept = "".join(f"{_newline(text)}{' ' * node.value[0][0].start_mark.column}{each.strip()}" for each in comments)
    kept = kept if isinstance(old, MappingNode | SequenceNode) and not old.flow_style else ""
    return f"{text[: old.start_mark.index]}{yaml_text(merge_patch(None, value))}{kept}{text[stop:]}"


def _with_new_key(text: str, node: MappingNode, name: str, value: Any) -> str:
    pair = f"{yaml_text(name)}: {yaml_text(value)}"
    if node.flow_style or not node.value:
        at = _end(text, node.value[-1][1]) + _closing(node.value[-1][1]) if node.value else node.start_mark.index + 1
        return text[:at] + (", " if node.value else "") + pair + text[at:]
    at = _line_end(text, _end(text, node))
    indent = " " * int(node.value[0][0].start_mark.column)
    return f"{text[:at]}{_newline(text)}{indent}{pair}{text[at:]}"


def _without_key(text: str, node: MappingNode, i: int) -> str:
    """The text without a key; one after a list's dash gives its place to the next."""
    if len(node.value) == 1:
        return text[: node.start_mark.index] + "{}" + text[_end(text, node) + _closing(node) :]
    if node.flow_style:
        return _without_flow_item(text, node.value, i)
    key, value = node.value[i]
    if text[text.rfind("\n", 0, key.start_mark.index) + 1 : key.start_mark.index].strip():
        return text[: key.start_mark.index] + text[node.value[i + 1][0].start_mark.index :]
    return _without_lines(text, key.start_mark.index, _end(text, value))


def _without_flow_item(text: str, pairs: Sequence[tuple[Node, Node]], i: int) -> str:
    """The text without one of several items between braces or brackets, and without its comma."""
    if i == 0:
        return text[: pairs[0][0].start_mark.index] + text[pairs[1][0].start_mark.index :]
    before, gone = pairs[i - 1][1], pairs[i][1]
    return text[: _end(text, before) + _closing(before)] + text[_end(text, gone) + _closing(gone) :]


def _without_lines(text: str, start: int, stop: int) -> str:
    """The text without all lines from one place to another."""
    begin, end = text.rfind("\n", 0, start) + 1, _line_end(text, stop)
    rest = text[end:]
    return text[:begin] + rest.removeprefix("\r").removeprefix("\n")


def _node(text: str, place: YamlPath) -> Any:
    """The node at a place. Raises BadRequest where there is none."""
    node: Any = compose_yaml(text)
    for part in place:
        if isinstance(node, MappingNode):
            node = next((value for key, value in node.value if key.value == part), None)
        else:
            node = node.value[part] if isinstance(node, SequenceNode) and isinstance(part, int) else None
    if node is None:
        raise BadRequest("the file is not as it was; look again")
    return node


def _closing(node: Node) -> int:
    """One where a brace or bracket closes the node."""
    return int(isinstance(node, MappingNode | SequenceNode) and bool(node.flow_style))


def _end(text: str, node: Any) -> int:
    """Where a node's last character was; before the brace or bracket that closes it. A block's end mark lies behind."""
    if isinstance(node, ScalarNode):
        return int(node.start_mark.index) + len(text[node.start_mark.index : node.end_mark.index].rstrip())
    if node.flow_style:
        return int(node.end_mark.index) - 1
    last = node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1]
    return _end(text, last) + _closing(last)


def _line_end(text: str, at: int) -> int:
    """The end of the line, before its break."""
    found = text.find("\n", at)
    end = len(text) if found < 0 else found
    return end - 1 if end and text[end - 1] == "\r" else end


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _has_gaps(text: str, node: SequenceNode) -> bool:
    """Whether an empty line parts the last two items."""
    if len(node.value) < 2:
        return False
    between = text[_end(text, node.value[-2]) : node.value[-1].start_mark.index]
    return bool(re.search(r"\n[ \t\r]*\n", between))


def _put(value: Any, place: YamlPath, new: Any) -> Any:
    """The value with another at a place."""
    if not place:
        return new
    first, *rest = place
    if isinstance(value, list):
        return [_put(each, tuple(rest), new) if i == first else each for i, each in enumerate(value)]
    return {name: _put(each, tuple(rest), new) if name == first else each for name, each in value.items()}


def _checked(text: str, expected: Any) -> str:
    """The text, if it means what it should. Raises BadRequest: an anchor, say, stands in two places."""
    found = parse_yaml(text)
    if found.problems or found.value != expected:
        raise BadRequest("the file is written in a way that only an editor can change (anchors, perhaps)")
    return text
