"""Content-Encoding undone, with a bound on what may come out."""

import zlib

from controlsurface.errors import BadBody, TooLarge

_GZIP = zlib.MAX_WBITS | 16
CONTENT_CODINGS = {
    "identity": None,
    "gzip": _GZIP,
    "x-gzip": _GZIP,
    "deflate": zlib.MAX_WBITS,
}  # RFC 9110, section 8.4.1
_MAX_GZIP_MEMBERS = 100  # each costs a copy of what follows it; exporters write one


def decompress_body(body: bytes, coding: str, limit: int) -> bytes:
    """The body as it was before `coding`, one of CODINGS. Raises TooLarge over `limit` bytes, BadBody where damaged."""
    bits = CONTENT_CODINGS[coding]
    if bits is None or not body:
        return body
    parts: list[bytes] = []
    room = limit
    while body:  # gzip allows several members, one after the other
        member = zlib.decompressobj(bits)
        try:
            parts.append(member.decompress(body, room + 1))
        except zlib.error as problem:
            raise BadBody(f"the body is not {coding}: {problem}") from None
        room -= len(parts[-1])
        if room < 0:
            raise TooLarge(f"the body is larger than {limit} bytes after decompression")
        if not member.eof:
            raise BadBody(f"the body ends in the middle of its {coding}")
        if len(parts) == _MAX_GZIP_MEMBERS:
            raise BadBody(f"the body has {_MAX_GZIP_MEMBERS} or more {coding} members")
        body = member.unused_data
    return b"".join(parts)
