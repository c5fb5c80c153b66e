"""The content policy, applied in place to decoded messages.

With `content.store = "none"` texts stay where their key is known to hold no content, or where they are identifiers;
the length of the rest stands in its place. "redacted" blacks out personal data in what the vocabularies call content.
"""

from collections.abc import Iterable, MutableSequence
from operator import attrgetter
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, EntityRef, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from controlsurface.config import Content
from controlsurface.ingest.dropped import is_mark, mark
from controlsurface.ingest.limits import DEFAULTS, BodyBudget, BodyLimits
from controlsurface.ingest.otlp import text_of
from controlsurface.ingest.prompts.keys import Keys, Verdict
from controlsurface.ingest.prompts.paths import NO_PARTS, Reading
from controlsurface.ingest.prompts.redacting import redact
from controlsurface.ingest.prompts.texts import Texts
from controlsurface.ingest.prompts.values import Values, has_text, put
from controlsurface.ingest.redact import Redactor
from controlsurface.ingest.vocabulary import Vocabulary

Attributes = MutableSequence[KeyValue]

MAX_DROPPED = 1000  # distinct keys counted for one body; more are counted together
OTHER_KEYS = "(other)"
LOG_BODY = "log.body"
STATUS = "span.status"  # its message, as the key of an attribute
DESCRIPTION = "metric.description"
STATE = "trace_state"

_TIME, _TIMED = b"\x09", 9  # tag of an event's time, which comes first, and the bytes of both
_REMEMBERED, _EVENTS = 256, 10_000  # bytes of an event, and number of events, that are remembered
_MEMBERS, _STATE_CHARACTERS = 32, 1 << 14  # of a trace state (W3C Trace Context 3.3.1.1), and what is looked at
_CALLED = {"KeyValue": "attribute", "InstrumentationScope": "scope", "LogRecord": "log"}  # in the keys of names
_EMPTY = frozenset((None, "string_value"))  # kinds of a value without a text
_KEY = attrgetter("key")


class Prompts:
    """What may reach the disk; every method tells whether it changed anything."""

    def __init__(
        self,
        content: Content,
        vocabularies: Iterable[Vocabulary],
        task_types: Iterable[str] = (),
        limits: BodyLimits = DEFAULTS,
    ) -> None:
        known = tuple(vocabularies)
        self.budget = BodyBudget(limits)
        self.stored = content.store == "all"
        self._redactor = Redactor(content.redact) if content.store == "redacted" else None
        asked = content.model_copy(update={"keep": (), "drop": ()}) if self._redactor else content
        self.keys = Keys(asked, known, task_types, self.budget.name)
        self.texts = Texts(content, lambda name: self.keys[name] is Verdict.FACT, self.budget.spend)
        self.bounds = content
        self.max_name = 1 << 31 if self.stored else content.max_name
        self.strict = content.store == "none"
        self._values = Values(self.texts, content)
        self._reading = Reading(known)
        self._passes = self.keys.plain.issuperset
        self._most = content.max_fact
        self._events: set[bytes] = set()  # what events say, after their time, that need no look
        self._dropped: dict[str, int] = {}

    @property
    def dropped(self) -> dict[str, int]:
        """How often something was dropped under which key, since the body began."""
        return self._dropped

    def begin(self) -> None:
        """Another body comes."""
        self._dropped = {}
        self.budget.begin()

    def suspects(self, spans: Any) -> list[tuple[int, int]]:
        """Attributes of spans, as `lean` has them, that need a look: the span's place, and theirs in it."""
        keys, most, passes = self.keys.prefixes, self._most, self.keys.lets_pass
        try:
            found = [  # the one loop over all attributes
                (at, n, each)
                for at, span in enumerate(spans)
                for n, each in enumerate(span.attributes)
                if each[: each[1] + 2] not in keys or len(each) > most
            ]
        except IndexError:  # an attribute of nothing, or of next to nothing
            found = [(at, n, each) for at, span in enumerate(spans) for n, each in enumerate(span.attributes)]
        return [(at, n) for at, n, each in found if not passes(each, most)]

    def events(self, spans: Any) -> list[tuple[int, int, bytes]]:
        """Events of spans that need a look, all but those that were met with the same words before."""
        known = self._events
        return [
            (at, n, each)
            for at, span in enumerate(spans)
            for n, each in enumerate(span.events)
            if each[_TIMED:] not in known or each[:1] != _TIME
        ]

    def clean_event(self, event: Span.Event, raw: bytes) -> bool:
        """An event of a span; `raw`: the same, as on the wire."""
        dropped = sum(self._dropped.values())
        changed = self.budget.attributes(event)
        changed |= self.clean_names(event, "name") | self.clean(event.attributes)
        if raw[:1] == _TIME and len(raw) <= _REMEMBERED and dropped == sum(self._dropped.values()):
            if len(self._events) >= _EVENTS:
                self._events.clear()
            self._events.add(raw[_TIMED:])
        return changed

    def clean(self, attributes: Attributes, size: int = 1 << 31) -> bool:
        """Drop, cut or redact what attributes must not keep; `size`: what holds them has no more bytes."""
        if self.stored:
            return False
        keys = [*map(_KEY, attributes)]
        if self._passes(keys) and (size <= self._most or self._redactor):
            return False
        if self._redactor:
            found = [at for at, key in enumerate(keys) if key not in self.keys.plain]
            self.budget.spend(len(found))
            return sum(self._redact(attributes[at], self._redactor) for at in found) > 0
        self.budget.spend(len(keys))
        return sum(self.clean_one(attributes, at) for at in range(len(keys))) > 0

    def _redact(self, attribute: KeyValue, redactor: Redactor) -> bool:
        """Of content every text, of what nobody knows those that are more than identifiers."""
        verdict = self.keys[attribute.key]
        changed = self.clean_names(attribute, "key")
        if verdict in {Verdict.KEPT, Verdict.FACT}:
            return changed
        spare = None if verdict is Verdict.CONTENT else self.texts.is_identifier
        return redact(attribute.value, redactor, spare) or changed

    def clean_one(self, attributes: Attributes, at: int) -> bool:
        """Drop or cut what the attribute at one place must not keep."""
        attribute = attributes[at]
        key, value = attribute.key, attribute.value
        verdict = self.keys[key]
        if verdict is Verdict.KEPT:
            return False
        if verdict is Verdict.CONTENT:
            changed = self._content(key, value, attributes)
        else:
            changed = has_text(value) and self._text(key, value, verdict)
        return (len(key) > self.max_name and self._name(attribute, "key", key)) or changed

    def clean_body(self, body: AnyValue) -> bool:
        """A log record's body is content as a whole."""
        if self.stored or not body.WhichOneof("value"):
            return False
        if self._redactor:
            return redact(body, self._redactor)
        if self.keys[LOG_BODY] is Verdict.KEPT:
            return False
        return self._whole(LOG_BODY, body)

    def clean_names(self, message: Message, *fields: str) -> bool:
        """Names that a message has of its own."""
        if self.stored:
            return False
        return sum(self._name(message, field, getattr(message, field)) for field in fields) > 0

    def clean_keys(self, entity: EntityRef) -> bool:
        """Of the keys by which an entity names attributes, those that are short."""
        lists = () if self.stored else (entity.id_keys, entity.description_keys)
        long = [each for each in lists if any(len(key) > self.max_name for key in each)]
        for each in long:
            each[:] = [key for key in each if len(key) <= self.max_name]
        return bool(long)

    def clean_text(self, message: Message, field: str, key: str) -> bool:
        """A text of a message itself, as if it were an attribute of this key."""
        text = getattr(message, field)
        if self._redactor and text:
            clean = self._redactor.text(text)
            return clean != text and self._set(message, field, clean, key)
        if not self.strict or not text or self.keys[key] is Verdict.KEPT:
            return False
        left = self.texts.other(text, NO_PARTS, identifiers=self.keys[key] is Verdict.OTHER)
        return left != text and self._set(message, field, left, key)

    def clean_state(self, message: Message) -> bool:
        """Of a trace state (W3C: `vendor=value,...`) the members that are identifiers."""
        state = getattr(message, STATE)
        if self.stored or not state or (self.strict and self.keys[STATE] is Verdict.KEPT):
            return False
        members = [
            each
            for each in state[:_STATE_CHARACTERS].split(",")
            if self.texts.is_identifier(each.strip().replace(";", ":"))
        ]
        left = ",".join(members[:_MEMBERS])
        return left != state and self._set(message, STATE, left, STATE)

    def _text(self, key: str, value: AnyValue, verdict: Verdict) -> bool:
        """A value that holds text."""
        if verdict is Verdict.FACT:
            changed, dropped = self._values.fact(value)
        else:
            parts = self._reading.parts(key)
            changed, dropped = self._values.other(value, parts, identifiers=verdict is Verdict.OTHER)
        if dropped:
            self._count(key)
        return changed

    def _content(self, key: str, value: AnyValue, beside: Attributes) -> bool:
        """Nothing stays but the parts that columns read."""
        if self._reading.parts(key) is not NO_PARTS:
            where = self._reading.parts_where(key, facts_of(beside))
            if left := self.texts.parts_only(text_of(value), where):
                self._count(key)
                return put(value, left)
        return self._whole(key, value)

    def _whole(self, key: str, value: AnyValue) -> bool:
        """A length in place of the whole value."""
        text = value.string_value
        if not text and value.WhichOneof("value") in _EMPTY:
            return False
        self._count(key)
        if is_mark(text):
            return False
        value.string_value = mark(len(text) or self._values.length(value))
        return True

    def _name(self, message: Message, field: str, name: str) -> bool:
        left = self.texts.name(name) if len(name) > self.max_name else name
        key = f"{_CALLED.get(message.DESCRIPTOR.name) or message.DESCRIPTOR.name.lower()}.{field}"
        return left != name and self.keys[key] is not Verdict.KEPT and self._set(message, field, left, key)

    def _set(self, message: Message, field: str, text: str, key: str) -> bool:
        setattr(message, field, text)
        return self._count(key)

    def _count(self, key: str) -> bool:
        name = key if len(key) <= self.bounds.max_name else mark(len(key))
        if name not in self._dropped and len(self._dropped) >= MAX_DROPPED:
            name = OTHER_KEYS
        self._dropped[name] = self._dropped.get(name, 0) + 1
        return True


def facts_of(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """Attributes as text, for the conditions of sources."""
    return {each.key: text_of(each.value) for each in attributes}
