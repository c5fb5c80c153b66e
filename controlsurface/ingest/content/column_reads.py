"""The parts of structured values that columns read, out of the columns' own sources."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from controlsurface.ingest.content.key_policy import attribute_sources, bare_attribute_name
from controlsurface.ingest.translate.vocabulary import AttributeCondition, AttributeSource, Vocabulary

JsonPath = tuple[str, ...]

_STEP = re.compile(r'\.?"([^"]+)"|\.?([^.\[\]"]+)|\[(\*|\d+)\]')
_OUTER_PREFIXES = ("span.", "scope.", "event.", "resource.")  # conditions on what lies outside of a list of attributes


@dataclass(frozen=True, slots=True)
class ColumnParts:
    """What columns read of one value: places in its JSON, and patterns in its text."""

    paths: tuple[JsonPath, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()

    def matched(self, text: str) -> list[str]:
        """The stretches of a text that the patterns read."""
        return [found[0] for each in self.patterns if (found := each.search(text))]

    def read_alike(self, one: str, other: str) -> bool:
        """Whether the patterns read the same in two texts."""
        return all(_group(each, one) == _group(each, other) for each in self.patterns)


NO_COLUMN_PARTS = ColumnParts()


class ColumnReads:
    """Which parts of which attributes columns read."""

    def __init__(self, vocabularies: Iterable[Vocabulary]) -> None:
        self._sources: dict[str, list[AttributeSource]] = defaultdict(list)
        for source in (each for vocabulary in vocabularies for each in attribute_sources(vocabulary)):
            if source.path or source.pattern:
                self._sources[bare_attribute_name(source.key)].append(source)
        self._all = {key: _parts(found) for key, found in self._sources.items()}

    def parts(self, key: str) -> ColumnParts:
        """What any column reads of an attribute."""
        return self._all.get(key, NO_COLUMN_PARTS)

    def parts_where(self, key: str, facts: Mapping[str, str]) -> ColumnParts:
        """What columns read of an attribute beside these others."""
        return _parts(each for each in self._sources.get(key, ()) if _holds(each.when, facts))


def json_path_steps(path: str) -> JsonPath:
    """A JSON path as its steps.

    >>> json_path_steps("$.answers.*.choice"), json_path_steps('$.items[*]."the score"')
    (('answers', '*', 'choice'), ('items', '*', 'the score'))
    """
    return tuple(quoted or name or index for quoted, name, index in _STEP.findall(path.removeprefix("$")))


def remaining_paths(step: str, paths: Iterable[JsonPath]) -> tuple[JsonPath, ...]:
    """What is left of the paths behind one step of a value."""
    return tuple(path[1:] for path in paths if path and path[0] in {step, "*"})


def _parts(found: Iterable[AttributeSource]) -> ColumnParts:
    given = tuple(found)
    paths = dict.fromkeys(json_path_steps(each.path) for each in given if each.path)
    return ColumnParts(
        tuple(paths), tuple(re.compile(each.pattern) for each in given if each.pattern and not each.path)
    )


def _group(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return found[1] if found and pattern.groups else None


def _holds(when: AttributeCondition, facts: Mapping[str, str]) -> bool:
    """Whether a source's condition can hold beside these attributes, as in collectors/README.md."""
    inside = {name: wanted for name, wanted in when.items() if not name.startswith(_OUTER_PREFIXES)}
    return all(_said(facts.get(name), wanted) for name, wanted in inside.items())


def _said(given: str | None, wanted: str | bool | tuple[str, ...]) -> bool:
    if isinstance(wanted, bool):
        return bool(given) == wanted
    words = (wanted,) if isinstance(wanted, str) else wanted
    return given is not None and any(fnmatchcase(given, word) if "*" in word else given == word for word in words)
