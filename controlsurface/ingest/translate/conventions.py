"""Which attribute fills which column, by the vocabularies in collectors/, and counts of the keys that fill none."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from fnmatch import translate
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Literal

import pyarrow as pa

from controlsurface.config import Config
from controlsurface.errors import ConfigError
from controlsurface.explanations import read_toml
from controlsurface.ingest.translate import vocabulary, vocabulary_sql
from controlsurface.ingest.translate.vocabulary import COLUMN_KINDS, SPAN_KEYS, AttributeSource, Vocabulary
from controlsurface.ingest.translate.vocabulary_sql import OccurringKeys
from controlsurface.shipped_paths import COLLECTORS
from controlsurface.store.duckdb import WriteTransaction

MAX_COUNTED_KEYS = 10_000  # distinct keys that are listed; more are counted together
OTHER_KEYS = "(other)"

_MERGE = """
MERGE INTO {table} AS known USING met ON known.key = met.key
WHEN MATCHED THEN UPDATE SET n = known.n + met.n, last_seen = met.seen
WHEN NOT MATCHED THEN INSERT (key, n, first_seen, last_seen) VALUES (met.key, met.n, met.seen, met.seen)
"""


def add_key_counts(
    writing: WriteTransaction, table: Literal["attribute_keys", "dropped_keys"], met: Mapping[str, int]
) -> None:
    """Add to the counts of keys."""
    if not met:
        return
    known = set(writing.rows(f"SELECT key FROM {table}")["key"].to_pylist())
    room = max(MAX_COUNTED_KEYS - len(known), 0)
    told = known.union(islice((key for key in met if key not in known), room))
    counts: Counter[str] = Counter()
    for key, n in met.items():
        counts[key if key in told else OTHER_KEYS] += n
    writing.attach("counted", pa.table({"key": list(counts), "n": list(counts.values())}))
    writing.materialize("met", "SELECT key, n, CAST(now() AS TIMESTAMP) AS seen FROM counted")
    writing.execute(_MERGE.format(table=table))


MAX_ATTRIBUTE_NAMES = 20_000  # of attributes that are looked at one by one in a batch


class Conventions:
    """All vocabularies, in order of specificity."""

    def __init__(
        self, vocabularies: Iterable[Vocabulary], task_types: Iterable[str] = (), *, hash_prompts: bool = False
    ) -> None:
        self.vocabularies = tuple(sorted(vocabularies, key=lambda v: (v.order, v.name)))
        # of what is not kept as it came, different prompts would look the same
        self._prompts = tuple(each for v in self.vocabularies for each in v.prompts) if hash_prompts else ()
        own = tuple(AttributeSource(key=key) for key in task_types)
        self._sources = {column: self._ordered(column) for column in COLUMN_KINDS}
        self._sources["task_type"] = own + self._sources["task_type"]
        self.wanted = frozenset(chain(self._keys(), *self._prompts)).difference(SPAN_KEYS)
        known = {glob for v in self.vocabularies for glob in v.known + v.content}
        self._names = frozenset(glob for glob in known if not any(each in glob for each in "*?["))
        self._globs = re.compile("|".join(map(translate, sorted(known - self._names))) or r"(?!)")
        self._compared = frozenset(self._compared_keys()) - {"span.kind", "span.status"}

    def _ordered(self, column: str) -> tuple[AttributeSource, ...]:
        """All sources of a column."""
        return tuple(
            _with_values(source, v.values.get(column, {}))
            for v in self.vocabularies
            for source in v.columns.get(column, ())
        )

    def _keys(self) -> Iterable[str]:
        """Every attribute that decides something."""
        for sources in self._sources.values():
            for source in sources:
                yield from (source.key, *source.when) if source.key else source.when
        for each in self.vocabularies:
            yield from each.recognise
            for role in each.roles:
                yield from role.when

    def _compared_keys(self) -> Iterable[str]:
        """Every attribute whose text is compared with words."""
        sources = [source for column in self._sources.values() for source in column]
        conditions = [source.when for source in sources]
        conditions += [role.when for v in self.vocabularies for role in v.roles]
        yield from (key for each in conditions for key, expected in each.items() if not isinstance(expected, bool))
        yield from (each.key for each in sources if each.key and not each.path and (each.pattern or each.values))

    def recognises(self, key: str) -> bool:
        """Whether any vocabulary reads or knows this attribute name."""
        return key in self.wanted or key in self._names or self._globs.match(key) is not None

    def unknown(self, met: Mapping[str, int]) -> dict[str, int]:
        """Of attribute names with counts those that no vocabulary knows; of very many the first are told apart."""
        told = dict(islice(met.items(), MAX_ATTRIBUTE_NAMES))
        found = {key: n for key, n in told.items() if not self.recognises(key)}
        if rest := sum(met.values()) - sum(told.values()):
            found[OTHER_KEYS] = found.get(OTHER_KEYS, 0) + rest
        return found

    def occurring(self, decoded: pa.Table, keys: frozenset[str]) -> OccurringKeys:
        """What of all that vocabularies look at a decoded batch has."""
        return vocabulary_sql.find_occurring_keys(decoded, keys, self._compared)

    @lru_cache(maxsize=256)  # noqa: B019 (one instance lives as long as the process)
    def select(self, found: OccurringKeys) -> str:
        """The columns of store/schema/spans.sql that vocabularies fill, as SQL over columns `@key`."""
        sql, sources = vocabulary_sql, self._sources
        roles = [f"{sql.role_sql(self.vocabularies, role, found)} AS is_{role}" for role in vocabulary.SPAN_ROLES]
        filled = {column: sql.column_sql(column, sources[column], found) for column in COLUMN_KINDS}
        filled["prompt_hash"] = sql.prompt_hash_sql(filled["prompt_hash"], self._prompts, found)
        values = [f"{value} AS {column}" for column, value in filled.items()]
        typed = [column for column, kind in COLUMN_KINDS.items() if kind != "text"]
        marks = [sql.invalid_sql(column, sources[column], found) for column in typed]
        spoken = [sql.spoken_sql(each, found) for each in self.vocabularies]
        return ",\n".join([sql.list_sql("vocabularies", spoken), *roles, *values, sql.list_sql("invalid", marks)])


def _with_values(source: AttributeSource, values: Mapping[str, str]) -> AttributeSource:
    """The source with the words of its column, and its own before them."""
    return source.model_copy(update={"values": {**values, **source.values}}) if values else source


def load_conventions(config: Config, folder: Path = COLLECTORS) -> Conventions:
    """Every vocabulary of a folder. Raises ConfigError naming file, place and nearest name of each problem."""
    paths = tuple(sorted(folder.glob("*.toml")))
    if not paths:
        raise ConfigError(f"{folder}: no vocabularies (*.toml) here")
    whole = config.content.store == "all"
    return _conventions(paths, tuple(map(_content, paths)), config.task_types.from_, whole)


def _content(path: Path) -> bytes:
    """What a file says now; nothing, where whoever reads it will say why it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


@lru_cache(maxsize=4)
def _conventions(
    paths: tuple[Path, ...],
    contents: tuple[bytes, ...],  # noqa: ARG001 (others are read anew)
    task_types: tuple[str, ...],
    whole: bool,
) -> Conventions:
    """The vocabularies in these files, read once for as long as these are the `contents`."""
    return Conventions([read_toml(path, Vocabulary) for path in paths], task_types, hash_prompts=whole)
