"""Vocabularies as SQL over the decoded columns `@key`, cut down to what a batch has.

What cannot hold in a batch is not asked of each of its spans: of keys with few different texts every comparison is made
here, once a text, and only its outcome goes into the statement.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from controlsurface.ingest.translate.vocabulary import (
    COLUMN_KINDS,
    SPAN_KEYS,
    AttributeCondition,
    AttributeSource,
    Vocabulary,
)

_MAX_DISTINCT_TEXTS = 48  # different texts of a key in a batch, up to which each is known


@dataclass(frozen=True, slots=True)
class OccurringKeys:
    """The wanted keys of a batch; and all texts of a key, for keys that have but a few."""

    keys: frozenset[str]
    words: frozenset[tuple[str, frozenset[str]]] = frozenset()

    def of(self, key: str) -> frozenset[str] | None:
        """The texts of a key; None where they are too many to tell."""
        return next((words for name, words in self.words if name == key), None)


def find_occurring_keys(decoded: pa.Table, keys: frozenset[str], compared: frozenset[str]) -> OccurringKeys:
    """What a batch has: its keys, and the texts of those that are compared with words."""
    columns = {key: "name" if key == "span.name" else f"@{key}" for key in compared & (keys | {"span.name"})}
    words = {key: found for key, column in columns.items() if (found := _few(decoded[column])) is not None}
    return OccurringKeys(keys, frozenset(words.items()))


def _few(column: "pa.ChunkedArray[Any]") -> frozenset[str] | None:
    """A column's different texts, if they are few."""
    for part in (column.slice(0, 4 * _MAX_DISTINCT_TEXTS), column):  # many show early
        found = pc.unique(part)
        if len(found) > _MAX_DISTINCT_TEXTS:
            return None
    return frozenset(word for word in found.to_pylist() if word is not None)


def sql_literal(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _raw(key: str, found: OccurringKeys) -> str | None:
    """The SQL of an attribute's text, None where the batch does not have it."""
    if key in SPAN_KEYS:
        return SPAN_KEYS[key]
    return '"@' + key.replace('"', '""') + '"' if key in found.keys else None


def _when(condition: AttributeCondition, found: OccurringKeys) -> str | None:
    """A condition as SQL; None where it cannot hold in this batch."""
    parts = [_test(key, expected, found) for key, expected in condition.items()]
    if None in parts:
        return None
    return " AND ".join(f"({part})" for part in parts if part != "TRUE") or "TRUE"


def _test(key: str, expected: str | bool | tuple[str, ...], found: OccurringKeys) -> str | None:
    raw = _raw(key, found)
    if expected is False:
        return "TRUE" if raw is None else f"{raw} IS NULL"
    if raw is None:
        return None
    if expected is True:
        return f"{raw} IS NOT NULL"
    words = (expected,) if isinstance(expected, str) else expected
    said = found.of(key)
    if said is None:
        tests = [f"{raw} GLOB {sql_literal(word)}" if "*" in word else f"{raw} = {sql_literal(word)}" for word in words]
        return f"coalesce({' OR '.join(tests)}, FALSE)"
    fitting = sorted(each for each in said if any(_fits(each, word) for word in words))
    if len(fitting) == len(said):
        return f"{raw} IS NOT NULL" if said else None
    tests = [f"{raw} = {sql_literal(each)}" for each in fitting]
    return f"coalesce({' OR '.join(tests)}, FALSE)" if tests else None


def _fits(text: str, word: str) -> bool:
    return fnmatchcase(text, word) if "*" in word else text == word


def role_sql(vocabularies: Iterable[Vocabulary], role: str, found: OccurringKeys) -> str:
    """Whether a span has a role; never NULL."""
    tests = [_when(entry.when, found) for v in vocabularies for entry in v.roles if entry.role == role]
    return "(" + (" OR ".join(f"({test})" for test in dict.fromkeys(tests) if test) or "FALSE") + ")"


def spoken_sql(vocabulary: Vocabulary, found: OccurringKeys) -> str | None:
    """The vocabulary's name on spans that speak it."""
    tests = [test for key in vocabulary.recognise if (test := _when({key: True}, found))]
    return f"CASE WHEN {' OR '.join(tests)} THEN {sql_literal(vocabulary.name)} END" if tests else None


def list_sql(name: str, parts: Iterable[str | None]) -> str:
    """A comma-separated text of what is not NULL; NULL when nothing is."""
    given = [part for part in parts if part]
    return f"nullif(concat_ws(',', {', '.join(given)}), '') AS {name}" if given else f"NULL::VARCHAR AS {name}"


def _text(source: AttributeSource, found: OccurringKeys) -> str | None:
    """A source's value as text, before its column's type; None where it cannot be in this batch."""
    value = sql_literal(source.const) if source.const else _raw(source.key, found)
    if value is None:
        return None
    said = found.of(source.key) if source.key and not source.path else None
    if said is not None and (source.pattern or source.values):
        return _translated(value, source, said)
    if source.path:
        part = f"TRY(json_extract_string({value}, {sql_literal(source.path)}))"
        value = f"nullif({part}[1], '')" if "*" in source.path else f"nullif({part}, '')"
    if source.pattern:
        value = f"nullif(regexp_extract({value}, {sql_literal(source.pattern)}, 1), '')"
    if source.values:
        words = " ".join(f"WHEN {sql_literal(theirs)} THEN {_word(ours)}" for theirs, ours in source.values.items())
        value = f"CASE {value} {words} ELSE {value} END"
    return value


def _translated(raw: str, source: AttributeSource, said: Iterable[str]) -> str | None:
    """The value of each text that occurs, found here and not for each span."""
    ours = {text: source.values.get(part, part) if (part := _part(source, text)) else "" for text in said}
    other = {text: word for text, word in ours.items() if word != text}
    if not any(ours.values()):
        return None
    words = " ".join(f"WHEN {sql_literal(text)} THEN {_word(word)}" for text, word in sorted(other.items()))
    return f"CASE {raw} {words} ELSE {raw} END" if words else raw


def _part(source: AttributeSource, text: str) -> str:
    """What a source's pattern takes of a text."""
    if not source.pattern:
        return text
    found = re.search(source.pattern, text)
    return found[1] or "" if found else ""


def _word(word: str) -> str:
    """A word of ours; the empty one says "unknown"."""
    return sql_literal(word) if word else "NULL"


def _typed(column: str, value: str, scale: float) -> str:
    """Text as the column's type; what does not fit is NULL."""
    kind = COLUMN_KINDS[column]
    if kind == "text":
        return value
    typed = {"count": "to_count", "number": "to_number", "flag": "to_flag"}[kind] + f"({value})"
    return typed if scale == 1.0 else f"{typed} * {scale!r}"


def column_sql(column: str, sources: Iterable[AttributeSource], found: OccurringKeys) -> str:
    """First present source wins."""
    options = []
    for source in sources:
        value, condition = _text(source, found), _when(source.when, found)
        if value is None or condition is None:
            continue
        typed = _typed(column, value, source.scale)
        options.append(typed if condition == "TRUE" else f"CASE WHEN {condition} THEN {typed} END")
    empty = {"text": "VARCHAR", "count": "BIGINT", "number": "DOUBLE", "flag": "BOOLEAN"}[COLUMN_KINDS[column]]
    return f"coalesce({', '.join(dict.fromkeys(options))})" if options else f"NULL::{empty}"


def prompt_hash_sql(sent: str, prompts: Iterable[tuple[str, ...]], found: OccurringKeys) -> str:
    """The hash that came, else that of the first prompt that is there, with what belongs to it; none of a cut one."""
    hashes = [_prompt_hash(first, rest, found) for first, *rest in prompts if first in found.keys]
    return f"coalesce({', '.join([sent, *hashes])})" if hashes else sent


def _prompt_hash(first: str, rest: Iterable[str], found: OccurringKeys) -> str:
    """What a batch does not have is empty text, so that a prompt has the same hash in every batch."""
    text = " || chr(0) || ".join(f"coalesce({_raw(key, found) or 'NULL'}, '')" for key in (first, *rest))
    return f"CASE WHEN {_raw(first, found)} IS NOT NULL AND NOT contains({text}, '[dropped: ') THEN md5({text}) END"


def invalid_sql(column: str, sources: Iterable[AttributeSource], found: OccurringKeys) -> str | None:
    """The column's name where an attribute is there but none of them can be used."""
    texts = [text for source in sources if not source.when and (text := _text(source, found))]
    if not texts:
        return None
    return f"CASE WHEN coalesce({', '.join(texts)}) IS NOT NULL AND {column} IS NULL THEN {sql_literal(column)} END"
