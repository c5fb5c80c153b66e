"""What may be kept under a key: by the configuration, the vocabularies, OpenTelemetry's registry, then the rest."""

import re
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from fnmatch import translate
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from controlsurface.config import ContentConfig
from controlsurface.ingest.translate.vocabulary import SPAN_KEYS, AttributeSource, Vocabulary
from controlsurface.ingest.wire.unread_fields import drop_unread_fields

_PACKAGES = ("opentelemetry.semconv.attributes", "opentelemetry.semconv._incubating.attributes")
_TEMPLATE_PREFIX = "_TEMPLATE"  # the beginning of names such as http.request.header.X, whose values may be anything
_HARMLESS_LAST_WORDS = frozenset(
    "address arch arn code digest domain environment flavor hash host hostname id ids ip kind language mac method mode "
    "model name names namespace phase platform port protocol provider reasons region role route scheme service state "
    "status system tier transport type uid uuid vendor version zone "
    "count dimension k length number p penalty pid seed size stream temperature tokens".split()
)


@cache
def harmless_names() -> frozenset[str]:
    """The published names, of more than one word, whose last word tells an identity, a kind, a state or a number."""
    return frozenset(name for name in registry_names() if "." in name and last_word(name) in _HARMLESS_LAST_WORDS)


def registry_names() -> frozenset[str]:
    """Every attribute name of the installed registry; none where the package has another shape."""
    try:
        found = [f"{package}.{each.name}" for package in _PACKAGES for each in iter_modules(_package_path(package))]
    except ImportError:
        return frozenset()
    constants = (item for module in found for item in vars(import_module(module)).items())
    return frozenset(
        value
        for name, value in constants
        if name.isupper() and not name.endswith(_TEMPLATE_PREFIX) and isinstance(value, str)
    )


def last_word(name: str) -> str:
    """The last word of a name.

    >>> last_word("gen_ai.response.finish_reasons"), last_word("user.message")
    ('reasons', 'message')
    """
    return re.split(r"[._]", name)[-1]


def _package_path(package: str) -> list[str]:
    return list(import_module(package).__path__)


MAX_REMEMBERED_KEYS = 100_000  # senders choose the keys, so the memory of them is bounded
MAX_KEY_CHARACTERS = 256  # characters of a key that is remembered
_KEY, _VALUE = b"\x0a", b"\x12"  # tags of an attribute's key and value (opentelemetry-proto, common.proto)
_NUMBERS = frozenset(_VALUE + tag for tag in (b"\x10", b"\x18", b"\x21"))  # and those of a flag or number in it
_STRING = _VALUE + b"\x0a"  # and that of a string in it
_MAX_NUMBER_BYTES = 11  # of a value that is a number, with its tag; leaves no room for a text beside it
_ONE_BYTE_LENGTH_LIMIT = 128  # bytes from which on a length takes more than one
HEAD_BYTES = 4  # after the key: the tags and lengths of the value and of what is in it, or a number's first byte
_MAX_HEADS, _MAX_WHOLES = 1 << 16, 1 << 12
_MAX_WHOLE_BYTES = 128  # of another value that is remembered as a whole
# The last word of names under which senders put text. It decides nothing but whether one word of it may stay.
_TEXT_WORDS = frozenset(
    "answer answers answered arguments asked body candidate candidates chunk chunks completion completions content "
    "contents description document documents explanation input inputs instruction instructions message messages output "
    "outputs prompt prompts query question questions reasoning response says text texts thinking thought thoughts "
    "transcript transcription utterance".split()
)


class KeyVerdict(IntEnum):
    """What of a value may be kept under a key."""

    KEPT = 0  # all of it: `content.keep` says so
    FACT = 1  # a column reads it, or it is published and no text: all of it, up to a length
    OTHER = 2  # numbers, flags and identifiers
    TEXT = 3  # numbers and flags: the name says text
    CONTENT = 4  # nothing but the parts that columns read


class KeyPolicy(dict[str, KeyVerdict]):
    """The verdict of each key; `plain` are those among them whose short values need no look.

    `heads` are the beginnings of attributes, on the wire, that need no look, with the length that the attribute must
    have: key, tags and lengths, so that nothing else has room in it.
    """

    def __init__(
        self,
        content: ContentConfig,
        vocabularies: Iterable[Vocabulary],
        chosen: Iterable[str] = (),
        meet: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self._meet = meet  # told of each name that has to be decided
        known = tuple(vocabularies)
        self.plain: set[str] = set()
        self.heads: dict[bytes, int] = {}
        self._wholes: set[bytes] = set()  # attributes of other values that need no look
        self._prefixes: set[bytes] = set()  # plain keys as an attribute begins with them on the wire
        self._numeric: set[bytes] = set()  # keys whose numbers stay
        self._looked_at: set[bytes] = set()  # keys of which nothing stays unseen
        self._chosen = frozenset(chosen)  # the user's own names of the task type
        read = (name for each in known for name in (*_whole(each), *_decisive(each)))
        self._facts = harmless_names().union(read)
        self._drop = _matcher(glob.lower() for glob in content.drop)
        self._keep = _matcher(content.keep)
        held = {name.lower() for each in known for name in each.content}
        self._content_names = frozenset(name for name in held if "*" not in name)
        self._content = _matcher(held - self._content_names)
        self._harmless = _matcher(glob for each in known for glob in each.harmless)

    def __missing__(self, key: str) -> KeyVerdict:
        self._meet()
        verdict = self._decided(key)
        if len(self) >= MAX_REMEMBERED_KEYS:
            self.clear()
            for each in (self.plain, self.heads, self._prefixes, self._numeric, self._looked_at):
                each.clear()
        if len(key) <= MAX_KEY_CHARACTERS:
            self._remember(key, verdict)
        return verdict

    def lets_pass(self, raw: bytes, most: int) -> bool:
        """Whether an attribute as on the wire needs no look: a number, or under a plain key and at most so long."""
        end = raw[1] + 2 if len(raw) > 2 else 0
        prefix = raw[:end]
        if prefix in self._prefixes:
            return len(raw) <= most and self._exact(raw, end)
        if prefix in self._numeric:
            return _is_number(raw, end) and self._exact(raw, end)
        if prefix not in self._looked_at and raw[:1] == _KEY:  # to know it the next time
            self[raw[2:end].decode("utf-8", "replace")]
        return False

    def _exact(self, raw: bytes, end: int) -> bool:
        """Whether an attribute is a key, up to `end`, and one value, and nothing else; the kind of it is remembered."""
        if raw in self._wholes:
            return True
        try:
            if drop_unread_fields(KeyValue.FromString(raw), len(raw)):
                return False
        except DecodeError:
            return False
        short_string = raw[end : end + 3 : 2] == _STRING and len(raw) - end - 2 < _ONE_BYTE_LENGTH_LIMIT
        if short_string or _is_number(raw, end):
            _make_room(self.heads, _MAX_HEADS)
            self.heads[raw[: end + HEAD_BYTES]] = len(raw)
        elif len(raw) <= _MAX_WHOLE_BYTES:
            _make_room(self._wholes, _MAX_WHOLES)
            self._wholes.add(raw)
        return True

    def _remember(self, key: str, verdict: KeyVerdict) -> None:
        self[key] = verdict
        encoded = key.encode()
        prefix = _KEY + bytes((len(encoded),)) + encoded if len(encoded) < _ONE_BYTE_LENGTH_LIMIT else b""
        if verdict <= KeyVerdict.FACT:
            self.plain.add(key)
            self._prefixes.add(prefix)
        else:
            (self._looked_at if verdict is KeyVerdict.CONTENT else self._numeric).add(prefix)

    def _decided(self, key: str) -> KeyVerdict:
        """The first that fits; letter case is ignored where that only drops more."""
        lower = key.lower()
        tests: tuple[tuple[KeyVerdict, Callable[[], object]], ...] = (
            (KeyVerdict.CONTENT, lambda: self._drop(lower)),
            (KeyVerdict.KEPT, lambda: self._keep(key)),
            (KeyVerdict.FACT, lambda: key in self._chosen),
            (KeyVerdict.CONTENT, lambda: lower in self._content_names),
            (KeyVerdict.FACT, lambda: key in self._facts),  # the very name is known better than a pattern that fits it
            (KeyVerdict.CONTENT, lambda: self._content(lower)),
            (KeyVerdict.FACT, lambda: self._harmless(key)),
            (KeyVerdict.TEXT, lambda: last_word(lower) in _TEXT_WORDS),
        )
        return next((verdict for verdict, fits in tests if fits()), KeyVerdict.OTHER)


def _is_number(raw: bytes, end: int) -> bool:
    """Whether the value of an attribute, of which the key ends there, begins with a number and has room for no more."""
    return raw[end : end + 3 : 2] in _NUMBERS and len(raw) - end - 2 <= _MAX_NUMBER_BYTES


def _make_room(memory: set[bytes] | dict[bytes, int], most: int) -> None:
    if len(memory) >= most:
        memory.clear()


def bare_attribute_name(key: str) -> str:
    """The name of an attribute without the place in which a vocabulary looks for it.

    >>> bare_attribute_name("resource.service.name"), bare_attribute_name("event.exception/exception.type")
    ('service.name', 'exception.type')
    >>> bare_attribute_name("llm.user")
    'llm.user'
    """
    if key.startswith("event."):
        return key.rsplit("/", 1)[-1]
    return key.removeprefix("resource.")


def attribute_sources(vocabulary: Vocabulary) -> Iterator[AttributeSource]:
    """Every source of a column that is an attribute."""
    for each in (source for column in vocabulary.columns.values() for source in column):
        if each.key and each.key not in SPAN_KEYS:
            yield each


def _whole(vocabulary: Vocabulary) -> Iterator[str]:
    """Attributes that columns read as they are."""
    return (bare_attribute_name(each.key) for each in attribute_sources(vocabulary) if not (each.path or each.pattern))


def _decisive(vocabulary: Vocabulary) -> Iterator[str]:
    """Attributes that say what a span is, or which source counts."""
    yield from vocabulary.recognise
    conditions = [source.when for column in vocabulary.columns.values() for source in column]
    conditions += [role.when for role in vocabulary.roles]
    yield from (bare_attribute_name(key) for each in conditions for key in each if key not in SPAN_KEYS)


def _matcher(globs: Iterable[str]) -> Callable[[str], re.Match[str] | None]:
    return re.compile("|".join(map(translate, globs)) or r"(?!)").match
