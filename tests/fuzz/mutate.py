"""Changes to a decoded message: one field becomes extreme, empty, doubled or noise, so that the bytes stay protobuf."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

EXTREMES = (0, 1, -1, 127, 128, 255, 256, 65536, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1)
KEYS = ("gen_ai.input.messages", "output.value", "openinference.span.kind", "DECISION", "service.name", "")
Noise = Callable[[bytes], bytes]


def fields(message: Message) -> Iterator[tuple[Message, FieldDescriptor]]:
    """Every field that is set, however deep."""
    for field, value in message.ListFields():
        yield message, field
        if field.message_type:
            for each in value if field.is_repeated else (value,):
                yield from fields(each)


def change(message: Message, dice: Random, noise: Noise) -> None:
    """One random change, in place."""
    places = list(fields(message))
    if not places:
        return
    owner, field = dice.choice(places)
    if field.is_repeated:
        _change_list(getattr(owner, field.name), dice)
    elif field.message_type:
        owner.ClearField(field.name)
    else:
        _change_scalar(owner, field, dice, noise)


def _change_list(items: Any, dice: Random) -> None:
    at = dice.randrange(len(items))
    if dice.random() < 0.5:
        del items[at]
    else:
        items.append(items[at])


def _change_scalar(owner: Message, field: FieldDescriptor, dice: Random, noise: Noise) -> None:
    value = getattr(owner, field.name)
    if isinstance(value, bytes):
        fresh: Any = dice.choice([b"", bytes(len(value)), noise(value)])
    elif isinstance(value, str):
        fresh = dice.choice([dice.choice(KEYS), noise(value.encode()).decode(errors="replace")])
    elif isinstance(value, float):
        fresh = dice.choice([float("nan"), float("inf"), -0.0, 5e-324])
    else:
        fresh = dice.choice(EXTREMES)
    try:
        setattr(owner, field.name, fresh)
    except (ValueError, OverflowError):  # out of the field's range
        owner.ClearField(field.name)
