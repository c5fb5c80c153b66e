"""The content policy, applied in place to decoded messages.

With `content.store = "none"` texts stay where their key is known to hold no content, or where they are identifiers;
the length of the rest stands in its place. "redacted" blacks out personal data in what the vocabularies call content.
"""

from collections.abc import Callable, Iterable, MutableSequence, Sequence
from itertools import filterfalse, islice
from operator import attrgetter

from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, EntityRef, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from controlsurface.config import ContentConfig
from controlsurface.ingest.content.attribute_memory import MAX_MEAN_BYTES, AttributeMemory
from controlsurface.ingest.content.column_reads import NO_COLUMN_PARTS, ColumnReads
from controlsurface.ingest.content.key_policy import HEAD_BYTES, KeyPolicy, KeyVerdict
from controlsurface.ingest.content.redact import Redactor, redact_any_value
from controlsurface.ingest.content.text_policy import TextPolicy
from controlsurface.ingest.content.value_policy import ValuePolicy, has_text, replace_any_value
from controlsurface.ingest.limits import DEFAULT_BODY_LIMITS, BodyBudget, BodyLimits
from controlsurface.ingest.otlp.trace_decoder import attribute_text
from controlsurface.ingest.translate.vocabulary import Vocabulary
from controlsurface.ingest.wire.drop_marks import drop_mark, is_drop_mark
from controlsurface.ingest.wire.unread_fields import drop_unread_fields

Attributes = MutableSequence[KeyValue]
Found = tuple[int, bytes]  # the place of an attribute or event among those of many spans, and itself on the wire

MAX_DROPPED_KEYS = 1000  # distinct keys counted for one body; more are counted together
OTHER_KEYS = "(other)"
LOG_BODY_KEY = "log.body"
SPAN_STATUS_KEY = "span.status"  # its message, as the key of an attribute
METRIC_DESCRIPTION_KEY = "metric.description"
TRACE_STATE_KEY = "trace_state"

_TIME, _TIMED = 0x09, 9  # tag of an event's time, which comes first, and the bytes of both
_HEADS = [slice(0, 2 + size + HEAD_BYTES) for size in range(256)]  # of an attribute, by the length of its key
_PARTS_AT_ONCE = 4096  # attributes or events that are looked at together
_REMEMBERED, _EVENTS = 256, 10_000  # bytes of an event, and number of events, that are remembered
_MEMBERS, _STATE_CHARACTERS = 32, 1 << 14  # of a trace state (W3C Trace Context 3.3.1.1), and what is looked at
_MESSAGE_NAMES = {"KeyValue": "attribute", "InstrumentationScope": "scope", "LogRecord": "log"}  # in the keys of names
_EMPTY = frozenset((None, "string_value"))  # kinds of a value without a text
_KEY = attrgetter("key")


class ContentPolicy:
    """What may reach the disk; every method tells whether it changed anything."""

    def __init__(
        self,
        content: ContentConfig,
        vocabularies: Iterable[Vocabulary],
        task_types: Iterable[str] = (),
        limits: BodyLimits = DEFAULT_BODY_LIMITS,
    ) -> None:
        known = tuple(vocabularies)
        self.budget = BodyBudget(limits)
        self.stored = content.store == "all"
        self._redactor = Redactor(content.redact) if content.store == "redacted" else None
        asked = content.model_copy(update={"keep": (), "drop": ()}) if self._redactor else content
        self.keys = KeyPolicy(asked, known, task_types, self.budget.name)
        self.texts = TextPolicy(content, lambda name: self.keys[name] is KeyVerdict.FACT, self.budget.spend)
        self.bounds = content
        self.max_name = 1 << 31 if self.stored else content.max_name
        self.strict = content.store == "none"
        self._values = ValuePolicy(self.texts, content)
        self._reading = ColumnReads(known)
        self._passes = self.keys.plain.issuperset
        self._most = content.max_fact
        self._memory = AttributeMemory()
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

    def suspects(self, attributes: Iterable[bytes], mean: float) -> list[Found]:
        """Of attributes, as on the wire, those that need a look; `mean`: bytes of a span of their body."""
        known = self._memory if mean <= MAX_MEAN_BYTES else None
        return _look_through(attributes, lambda some: self._suspects(some, known))

    def _suspects(self, attributes: Sequence[bytes], known: AttributeMemory | None) -> set[bytes]:
        most, passes = self._most, self.keys.lets_pass
        suspects = {each for each in self._new(attributes, known) if not passes(each, most)}
        if known is not None:
            known.learn(attributes, lambda each: passes(each, most))
        return suspects

    def _new(self, attributes: Sequence[bytes], known: AttributeMemory | None) -> Iterable[bytes]:
        """Attributes but those that are remembered, or of a known head and the length that goes with it."""
        exact, heads = self.keys.heads.get, _HEADS
        unknown = attributes if known is None else filterfalse(known.__contains__, attributes)
        try:
            return [each for each in unknown if exact(each[heads[each[1]]]) != len(each)]
        except IndexError:  # an attribute of nothing, or of next to nothing
            return attributes

    def events(self, events: Iterable[bytes]) -> list[Found]:
        """Events, as on the wire, that need a look, all but those that were met with the same words before."""
        known = self._events
        return _look_through(events, lambda some: {x for x in some if x[_TIMED:] not in known or x[0] != _TIME})

    def drop_unread(self, message: Message, raw: bytes) -> bool:
        """Leave a part of a span, or what is around it, what is read of it; `raw`: the same, as on the wire."""
        return self.strict and raw != b"" and drop_unread_fields(message, len(raw))

    def clean_event(self, event: Span.Event, raw: bytes) -> bool:
        """An event of a span; `raw`: the same, as on the wire."""
        changed = self.drop_unread(event, raw) | self.budget.attributes(event)
        changed |= self.clean_names(event, "name") | self.clean(event.attributes)
        if _TIMED < len(raw) <= _REMEMBERED and raw[0] == _TIME and not changed:
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
        if verdict in {KeyVerdict.KEPT, KeyVerdict.FACT}:
            return changed
        spare = None if verdict is KeyVerdict.CONTENT else self.texts.is_identifier
        return redact_any_value(attribute.value, redactor, spare) or changed

    def clean_one(self, attributes: Attributes, at: int) -> bool:
        """Drop or cut what the attribute at one place must not keep."""
        attribute = attributes[at]
        key, value = attribute.key, attribute.value
        verdict = self.keys[key]
        if verdict is KeyVerdict.KEPT:
            return False
        if verdict is KeyVerdict.CONTENT:
            changed = self._content(key, value, attributes)
        else:
            changed = has_text(value) and self._text(key, value, verdict)
        return (len(key) > self.max_name and self._name(attribute, "key", key)) or changed

    def clean_body(self, body: AnyValue) -> bool:
        """A log record's body is content as a whole."""
        if self.stored or not body.WhichOneof("value"):
            return False
        if self._redactor:
            return redact_any_value(body, self._redactor)
        if self.keys[LOG_BODY_KEY] is KeyVerdict.KEPT:
            return False
        return self._whole(LOG_BODY_KEY, body)

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
        if not self.strict or not text or self.keys[key] is KeyVerdict.KEPT:
            return False
        left = self.texts.other(text, NO_COLUMN_PARTS, identifiers=self.keys[key] is KeyVerdict.OTHER)
        return left != text and self._set(message, field, left, key)

    def clean_state(self, message: Message) -> bool:
        """Of a trace state (W3C: `vendor=value,...`) the members that are identifiers."""
        state = getattr(message, TRACE_STATE_KEY)
        if self.stored or not state or (self.strict and self.keys[TRACE_STATE_KEY] is KeyVerdict.KEPT):
            return False
        members = [
            each
            for each in state[:_STATE_CHARACTERS].split(",")
            if self.texts.is_identifier(each.strip().replace(";", ":"))
        ]
        left = ",".join(members[:_MEMBERS])
        return left != state and self._set(message, TRACE_STATE_KEY, left, TRACE_STATE_KEY)

    def _text(self, key: str, value: AnyValue, verdict: KeyVerdict) -> bool:
        """A value that holds text."""
        if verdict is KeyVerdict.FACT:
            changed, dropped = self._values.fact(value)
        else:
            parts = self._reading.parts(key)
            changed, dropped = self._values.other(value, parts, identifiers=verdict is KeyVerdict.OTHER)
        if dropped:
            self._count(key)
        return changed

    def _content(self, key: str, value: AnyValue, beside: Attributes) -> bool:
        """Nothing stays but the parts that columns read."""
        if self._reading.parts(key) is not NO_COLUMN_PARTS:
            where = self._reading.parts_where(key, plain_attribute_texts(beside))
            if left := self.texts.parts_only(attribute_text(value), where):
                self._count(key)
                return replace_any_value(value, left)
        return self._whole(key, value)

    def _whole(self, key: str, value: AnyValue) -> bool:
        """A length in place of the whole value."""
        text = value.string_value
        if not text and value.WhichOneof("value") in _EMPTY:
            return False
        self._count(key)
        if is_drop_mark(text):
            return False
        value.string_value = drop_mark(len(text) or self._values.length(value))
        return True

    def _name(self, message: Message, field: str, name: str) -> bool:
        left = self.texts.name(name) if len(name) > self.max_name else name
        key = f"{_MESSAGE_NAMES.get(message.DESCRIPTOR.name) or message.DESCRIPTOR.name.lower()}.{field}"
        return left != name and self.keys[key] is not KeyVerdict.KEPT and self._set(message, field, left, key)

    def _set(self, message: Message, field: str, text: str, key: str) -> bool:
        setattr(message, field, text)
        return self._count(key)

    def _count(self, key: str) -> bool:
        name = key if len(key) <= self.bounds.max_name else drop_mark(len(key))
        if name not in self._dropped and len(self._dropped) >= MAX_DROPPED_KEYS:
            name = OTHER_KEYS
        self._dropped[name] = self._dropped.get(name, 0) + 1
        return True


def _look_through(parts: Iterable[bytes], choose: Callable[[Sequence[bytes]], set[bytes]]) -> list[Found]:
    """Which parts are chosen, looking at many at once."""
    found: list[Found] = []
    left, first = iter(parts), 0
    while some := [*islice(left, _PARTS_AT_ONCE)]:  # each is made but once: that costs more than a look at it
        if chosen := choose(some):
            found += [(first + at, each) for at, each in enumerate(some) if each in chosen]
        first += len(some)
    return found


def plain_attribute_texts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """Attributes as text, for the conditions of sources."""
    return {each.key: attribute_text(each.value) for each in attributes}
