"""Texts of OTLP values without personal data."""

from collections.abc import Callable, Iterator

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from controlsurface.ingest.content.redact import Redactor

MIN_CARD_NUMBER = 10**11


def redact_any_value(value: AnyValue, redactor: Redactor, spare: Callable[[str], bool] | None = None) -> bool:
    """Redact every text in a value, names of members too, but what `spare` spares; whether anything changed."""
    changed = False
    for pair in _members(value):
        if not (spare and spare(pair.key)) and (clean := redactor.text(pair.key)) != pair.key:
            pair.key, changed = clean, True
    for each in _leaves(value):
        if spare and each.HasField("string_value") and spare(each.string_value):
            continue
        if each.HasField("bytes_value"):  # cannot be looked into
            each.string_value, changed = "[bytes]", True
        elif each.HasField("int_value"):
            number = str(each.int_value)
            if (clean := redactor.text(number)) != number:
                each.string_value, changed = clean, True
        elif (clean := redactor.text(each.string_value)) != each.string_value:
            each.string_value, changed = clean, True
    return changed


def _members(value: AnyValue) -> Iterator[KeyValue]:
    """The members of all maps in a value."""
    for pair in value.kvlist_value.values if value.HasField("kvlist_value") else ():
        yield pair
        yield from _members(pair.value)
    for each in value.array_value.values if value.HasField("array_value") else ():
        yield from _members(each)


def _leaves(value: AnyValue) -> Iterator[AnyValue]:
    """The texts and bytes of a value, and the numbers that may be a card's, however deep."""
    kind = value.WhichOneof("value")
    if kind in {"string_value", "bytes_value"} or (kind == "int_value" and value.int_value > MIN_CARD_NUMBER):
        yield value
    elif kind == "array_value":
        for each in value.array_value.values:
            yield from _leaves(each)
    elif kind == "kvlist_value":
        for pair in value.kvlist_value.values:
            yield from _leaves(pair.value)
