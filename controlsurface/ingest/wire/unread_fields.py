"""What a message carries that nobody reads: fields of unknown numbers, and those that a later one replaces.

A text could stand there where no look finds it. A protobuf library writes none of it, so the length tells: of a message
without such fields it is the one that its serialization has (protobuf.dev, "Encoding": unknown fields, last one wins).
"""

from google.protobuf.message import Message


def drop_unread_fields(message: Message, size: int) -> bool:
    """Leave a message what is read of it; whether there was more, or other than serialized. `size`: as on the wire."""
    message.DiscardUnknownFields()
    return message.ByteSize() != size
