"""Which attribute fills which column: the vocabularies in collectors/, compiled once, applied as columns.

A vocabulary is data (see collectors/README.md). All of them together become one SELECT over the decoded spans,
cut down to the attributes that a batch really has.
"""

import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from controlsurface.config import Config
from controlsurface.content import COLLECTORS
from controlsurface.errors import ConfigError, nearest

ROLES = ("request", "gateway", "decision", "dispatch", "cache_lookup", "call", "failed_call", "wrapper")
TEXTS = (
    "request_id link_id task_type purpose lane router router_version reason confidence_kind escalation_reason "
    "requested_model selected_model model provider finish error_type cache mode gate answer_label shadow_of "
    "tenant team job user_id session_id environment operation response_id service_tier input_counting output_counting"
).split()
COUNTS = (
    "input_tokens cached_tokens cache_write_tokens output_tokens reasoning_tokens "
    "context_system context_retrieved context_history context_tools total_tokens cache_write_1h_tokens "
    "audio_input_tokens audio_output_tokens cached_audio_tokens image_input_tokens image_output_tokens web_searches"
).split()
NUMBERS = "confidence threshold ttft_ms cost_usd sampling_probability sample_rate".split()
FLAGS = "escalated fell_back cache_hit gate_passed streamed".split()
COLUMNS = {
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(COUNTS, "count"),
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(FLAGS, "flag"),
}
SPAN_KEYS = {
    "span.name": "name",
    "span.kind": "CASE kind WHEN 1 THEN 'internal' WHEN 2 THEN 'server' WHEN 3 THEN 'client' ELSE 'other' END",
    "span.status": "CASE status WHEN 1 THEN 'ok' WHEN 2 THEN 'error' ELSE 'unset' END",
}

Condition = Mapping[str, str | bool | tuple[str, ...]]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Model):
    """Where a value comes from: an attribute, part of it, or a constant; only `when` other attributes say so."""

    key: str = Field(
        "",
        description="attribute name, or a pattern of names that nobody lists (`*.input_tokens`); `resource.X`, "
        "`event.E/X`, `span.name|kind|status`, `scope.name`",
    )
    const: str = Field("", description="a fixed value")
    path: str = Field("", description="JSON path into a value that is JSON")
    pattern: str = Field("", description="regular expression; its first group is the value")
    scale: float = Field(1.0, description="factor to the column's unit")
    values: Mapping[str, str] = Field(default_factory=dict, description="their word = our word; others stay")
    when: Condition = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """A bare string is a key."""
        return {"key": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one(self) -> "Source":
        if bool(self.key) == bool(self.const):
            raise ValueError("give either key or const")
        return self


class Role(_Model):
    """What a span is, when its attributes say so."""

    role: str
    when: Condition

    @model_validator(mode="after")
    def _known(self) -> "Role":
        if self.role not in ROLES:
            raise ValueError(f"no role named '{self.role}'{nearest(self.role, ROLES)}")
        return self


class Vocabulary(_Model):
    """One file of collectors/."""

    name: str
    about: str = Field(description="what it is and where it is written down")
    order: int = Field(50, description="lower is asked first: the more specific, the lower")
    recognise: tuple[str, ...] = Field((), description="a span with one of these attributes speaks this vocabulary")
    known: tuple[str, ...] = Field((), description="globs of attribute names that belong to it, read or not")
    content: tuple[str, ...] = Field((), description="globs of attributes that hold prompts or answers")
    harmless: tuple[str, ...] = Field((), description="globs of attributes that never do, though no column reads them")
    roles: tuple[Role, ...] = ()
    columns: Mapping[str, tuple[Source, ...]] = Field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = Field(default_factory=dict, description="words of whole columns")

    @model_validator(mode="after")
    def _columns_exist(self) -> "Vocabulary":
        for column in (*self.columns, *self.values):
            if column not in COLUMNS:
                raise ValueError(f"columns: no column named '{column}'{nearest(column, COLUMNS)}")
        return self


class Conventions:
    """All vocabularies, in order of specificity."""

    def __init__(self, vocabularies: Iterable[Vocabulary], config: Config) -> None:
        self.vocabularies = tuple(sorted(vocabularies, key=lambda v: (v.order, v.name)))
        self._sources = {column: self._ordered(column, config) for column in COLUMNS}
        self.wanted = frozenset(self._keys()).difference(SPAN_KEYS)

    def _ordered(self, column: str, config: Config) -> tuple[Source, ...]:
        """All sources of a column, the user's own choice of task type first."""
        own = config.task_types.from_ if column == "task_type" else ()
        theirs = [
            source.model_copy(update={"values": {**v.values.get(column, {}), **source.values}})
            for v in self.vocabularies
            for source in v.columns.get(column, ())
        ]
        return (*(Source(key=key) for key in own), *theirs)

    def _keys(self) -> Iterable[str]:
        """Every attribute that decides something."""
        for sources in self._sources.values():
            for source in sources:
                yield from (source.key, *source.when) if source.key else source.when
        for vocabulary in self.vocabularies:
            yield from vocabulary.recognise
            for role in vocabulary.roles:
                yield from role.when

    def recognises(self, key: str) -> bool:
        """Whether any vocabulary reads or knows this attribute name."""
        return key in self.wanted or any(
            fnmatchcase(key, glob) for v in self.vocabularies for glob in v.known + v.content
        )

    @lru_cache(maxsize=256)  # noqa: B019 (one instance lives as long as the process)
    def select(self, present: frozenset[str]) -> str:
        """The columns of store/schema/spans.sql that vocabularies fill, as SQL over columns `@key`."""
        roles = [f"{_role(self.vocabularies, role, present)} AS is_{role}" for role in ROLES]
        values = [f"{_column(column, self._sources[column], present)} AS {column}" for column in COLUMNS]
        marks = [_invalid(column, self._sources[column], present) for column in (*COUNTS, *NUMBERS, *FLAGS)]
        spoken = [_spoken(v, present) for v in self.vocabularies]
        return ",\n".join([_list("vocabularies", spoken), *roles, *values, _list("invalid", marks)])


def load(config: Config, folder: Path = COLLECTORS) -> Conventions:
    """Every vocabulary of a folder. Raises ConfigError naming file, place and nearest name of each problem."""
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise ConfigError(f"{folder}: no vocabularies (*.toml) here")
    return Conventions([_read(path) for path in paths], config)


def _read(path: Path) -> Vocabulary:
    try:
        return Vocabulary.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{path}: {problem}") from None
    except ValidationError as problem:
        lines = [
            f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}"
            for e in problem.errors()
        ]
        raise ConfigError("\n".join(lines)) from None


def literal(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"


def _raw(key: str, present: frozenset[str]) -> str | None:
    """The SQL of an attribute's text, None where the batch does not have it."""
    if key in SPAN_KEYS:
        return SPAN_KEYS[key]
    return '"@' + key.replace('"', '""') + '"' if key in present else None


def _when(condition: Condition, present: frozenset[str]) -> str | None:
    """A condition as SQL; None where it cannot hold in this batch."""
    parts = [_test(expected, _raw(key, present)) for key, expected in condition.items()]
    if None in parts:
        return None
    return " AND ".join(f"({part})" for part in parts) or "TRUE"


def _test(expected: str | bool | tuple[str, ...], raw: str | None) -> str | None:
    if expected is False:
        return "TRUE" if raw is None else f"{raw} IS NULL"
    if raw is None:
        return None
    if expected is True:
        return f"{raw} IS NOT NULL"
    words = (expected,) if isinstance(expected, str) else expected
    tests = [f"{raw} GLOB {literal(word)}" if "*" in word else f"{raw} = {literal(word)}" for word in words]
    return f"coalesce({' OR '.join(tests)}, FALSE)"


def _role(vocabularies: Iterable[Vocabulary], role: str, present: frozenset[str]) -> str:
    tests = [_when(entry.when, present) for v in vocabularies for entry in v.roles if entry.role == role]
    return "(" + (" OR ".join(f"({test})" for test in dict.fromkeys(tests) if test) or "FALSE") + ")"


def _spoken(vocabulary: Vocabulary, present: frozenset[str]) -> str | None:
    """The vocabulary's name on spans that speak it."""
    tests = [test for key in vocabulary.recognise if (test := _when({key: True}, present))]
    return f"CASE WHEN {' OR '.join(tests)} THEN {literal(vocabulary.name)} END" if tests else None


def _list(name: str, parts: Iterable[str | None]) -> str:
    """A comma-separated text of what is not NULL; NULL when nothing is."""
    given = [part for part in parts if part]
    return f"nullif(concat_ws(',', {', '.join(given)}), '') AS {name}" if given else f"NULL::VARCHAR AS {name}"


def _text(source: Source, present: frozenset[str]) -> str | None:
    """A source's value as text, before its column's type."""
    value = literal(source.const) if source.const else _raw(source.key, present)
    if value is None:
        return None
    if source.path:
        found = f"TRY(json_extract_string({value}, {literal(source.path)}))"
        value = f"nullif({found}[1], '')" if "*" in source.path else f"nullif({found}, '')"
    if source.pattern:
        value = f"nullif(regexp_extract({value}, {literal(source.pattern)}, 1), '')"
    if source.values:
        words = " ".join(f"WHEN {literal(theirs)} THEN {_word(ours)}" for theirs, ours in source.values.items())
        value = f"CASE {value} {words} ELSE {value} END"
    return value


def _word(word: str) -> str:
    """A word of ours; the empty one says "unknown"."""
    return literal(word) if word else "NULL"


def _typed(column: str, value: str, scale: float) -> str:
    """Text as the column's type; what does not fit is NULL."""
    kind = COLUMNS[column]
    if kind == "text":
        return value
    typed = {"count": "to_count", "number": "to_number", "flag": "to_flag"}[kind] + f"({value})"
    return typed if scale == 1.0 else f"{typed} * {scale!r}"


def _column(column: str, sources: Iterable[Source], present: frozenset[str]) -> str:
    """First present source wins."""
    options = []
    for source in sources:
        value, condition = _text(source, present), _when(source.when, present)
        if value is None or condition is None:
            continue
        typed = _typed(column, value, source.scale)
        options.append(typed if condition == "TRUE" else f"CASE WHEN {condition} THEN {typed} END")
    empty = {"text": "VARCHAR", "count": "BIGINT", "number": "DOUBLE", "flag": "BOOLEAN"}[COLUMNS[column]]
    return f"coalesce({', '.join(dict.fromkeys(options))})" if options else f"NULL::{empty}"


def _invalid(column: str, sources: Iterable[Source], present: frozenset[str]) -> str | None:
    """The column's name where an attribute is there but none of them can be used."""
    texts = [text for source in sources if not source.when and (text := _text(source, present))]
    if not texts:
        return None
    return f"CASE WHEN coalesce({', '.join(texts)}) IS NOT NULL AND {column} IS NULL THEN {literal(column)} END"
