"""How many values a JSON body has, from its punctuation, before it becomes objects in memory."""

import numpy as np

from controlsurface.ingest.limits.body_limits import BodyLimits

_CHUNK_BYTES = 1 << 20  # bytes looked at together
_QUOTE = ord('"')


def scan_json(body: bytes, limits: BodyLimits) -> None:
    """Raises OverLimit where there are too many values. Punctuation in texts is told apart only where it matters."""
    if len(body) > limits.max_fields and sum(map(body.count, (b",", b"{", b"["))) > limits.max_fields:
        limits.fields(_values(body, limits.max_fields))


def _values(body: bytes, most: int) -> int:
    """Commas and opening brackets outside of texts, not many more than `most` of them."""
    plain = body.replace(rb"\\", b"__").replace(rb"\"", b"__")
    count, inside = 0, False
    for at in range(0, len(plain), _CHUNK_BYTES):
        part = np.frombuffer(plain, np.uint8, min(_CHUNK_BYTES, len(plain) - at), at)
        texts = np.logical_xor.accumulate(part == _QUOTE) ^ inside
        marks = (part == ord(",")) | (part == ord("{")) | (part == ord("["))
        count += int(np.count_nonzero(marks & ~texts))
        inside = bool(texts[-1])
        if count > most:
            break
    return count
