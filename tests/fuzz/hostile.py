"""Bodies made to cost a receiver much more than they cost their sender: many, empty, deep, long, repeated, mixed.

Kinds met elsewhere: empty messages without end (open-telemetry/opentelemetry-collector issue 15302), children of nested
values (speakeasy-api/gram pull request 4819), depth of values (opentelemetry-specification pull request 5186), parts
that inflate one by one (opentelemetry-collector-contrib issue 49230), a single message repeated (protobuf-java, as in
StarRocks/starrocks issue 12150), counts that promise more than the body has (opentelemetry-collector-contrib pull
request 50628).
"""

import gzip
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from controlsurface.ingest.wire.otlp_request import Encoding, RequestBody, Signal

MIB = 1 << 20
IDS = b"\x0a\x10" + b"\x01" * 16 + b"\x12\x08" + b"\x02" * 8
TIMES = (
    b"\x39"
    + (1_790_000_000_000_000_000).to_bytes(8, "little")
    + b"\x41"
    + (1_790_000_001 * 10**9).to_bytes(8, "little")
)


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def sized(field: int, inner: bytes) -> bytes:
    """A field with a length."""
    return varint(field << 3 | 2) + varint(len(inner)) + inner


def export(*spans: bytes) -> bytes:
    """A request of one scope."""
    return sized(1, sized(2, b"".join(sized(2, each) for each in spans)))


def span(inner: bytes, number: int = 0) -> bytes:
    """A span that can be identified."""
    return (
        b"\x0a\x10" + number.to_bytes(15, "big") + b"\x01\x12\x08" + number.to_bytes(7, "big") + b"\x01" + TIMES + inner
    )


def text(word: str) -> bytes:
    return sized(1, word.encode())


def attribute(key: str, value: bytes) -> bytes:
    return sized(9, sized(1, key.encode()) + sized(2, value))


def names(count: int, size: int, a_span: int = 1 << 40) -> bytes:
    """Distinct attribute names, `a_span` in each span."""
    made = [attribute(f"k{n:0{size}d}", text("v")) for n in range(count)]
    spans = [span(b"".join(made[at : at + a_span]), at) for at in range(0, count, min(a_span, count))]
    return export(*spans)


def nested(depth: int, tag: bytes = b"\x2a") -> bytes:
    """Lists in lists (or with 0x32 maps in maps)."""
    inner = b""
    for _ in range(depth):
        held = sized(1, inner) if tag == b"\x2a" else sized(1, b"\x0a\x01a" + sized(2, inner))
        inner = tag + varint(len(held)) + held
    return inner


def in_json(spans: str) -> bytes:
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}'.encode()


def json_span(rest: str, number: int = 1) -> str:
    ids = f'"traceId":"{number:032x}","spanId":"{number:016x}","name":"n"'
    return f'{{{ids},"startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000001000000000"{rest}}}'


Made = tuple[Signal, Encoding, bytes]


def _many(size: int) -> dict[str, tuple[Signal, Callable[[], bytes]]]:
    """Many small parts."""
    return {
        "empty resources": ("traces", lambda: b"\x0a\x00" * (size // 2)),
        "empty scopes": ("traces", lambda: sized(1, b"\x12\x00" * (size // 2))),
        "empty spans": ("traces", lambda: sized(1, sized(2, b"\x12\x00" * (size // 2)))),
        "least spans": ("traces", lambda: export(*(span(b"", n) for n in range(size // 48)))),
        "empty attributes": ("traces", lambda: export(span(b"\x4a\x00" * (size // 2)))),
        "empty attributes of many": (
            "traces",
            lambda: export(*(span(b"\x4a\x00" * 400, n) for n in range(size // 850))),
        ),
        "least attributes of many": (
            "traces",
            lambda: export(*(span(attribute("a", text("b c")) * 80, n) for n in range(size // 1050))),
        ),
        "empty events": ("traces", lambda: export(span(b"\x5a\x00" * (size // 2)))),
        "events of many": (
            "traces",
            lambda: export(*(span(b"\x5a\x02\x12\x00" * 400, n) for n in range(size // 1650))),
        ),
        "empty links": ("traces", lambda: export(span(b"\x6a\x00" * (size // 2)))),
        "empty values": ("traces", lambda: export(span(attribute("a", sized(5, b"\x0a\x00" * (size // 2)))))),
        "values of many": (
            "traces",
            lambda: export(*(span(attribute("a", sized(5, b"\x0a\x00" * 400)), n) for n in range(size // 860))),
        ),
        "resource attributes": ("traces", lambda: sized(1, sized(1, b"\x0a\x00" * (size // 2)))),
        "entity keys": ("logs", lambda: sized(1, sized(1, sized(3, sized(3, b"k" * 200) * (size // 203))))),
    }


def _odd(size: int) -> dict[str, tuple[Signal, Callable[[], bytes]]]:
    """What no honest sender writes, and names without end."""
    return {
        "unknown fields": ("traces", lambda: b"\x7a\x00" * (size // 2)),
        "unknown numbers": ("traces", lambda: b"\x78\x01" * (size // 2)),
        "group": ("traces", lambda: b"\x7b" + b"\x08\x01" * (size // 2) + b"\x7c"),
        "group, then empty resources": (
            "traces",
            lambda: b"\x7b" + b"\x08\x01" * 2000 + b"\x7c" + b"\x0a\x00" * (size // 2),
        ),
        "repeated names of a span": ("traces", lambda: export(span(b"\x2a\x00" * (size // 2)))),
        "repeated status": ("traces", lambda: export(span(b"\x7a\x00" * (size // 2)))),
        "not Unicode": ("traces", lambda: export(span(b"\x2a\x00" * (size // 2) + b"\x2a\x01\xff"))),
        "not Unicode, in many": (
            "traces",
            lambda: export(*(span(b"\x2a\x01\xff" + attribute("a", text("b")) * 90, n) for n in range(size // 1000))),
        ),
        "distinct names": ("traces", lambda: names(size // 17, 7)),
        "distinct names of many": ("traces", lambda: names(size // 18, 7, 100)),
    }


def _nested(size: int) -> dict[str, tuple[Signal, Callable[[], bytes]]]:
    """Deep, long, and in logs and metrics."""
    return {
        "deep lists": (
            "traces",
            lambda: export(*(span(attribute("a", nested(40)) * 9, n) for n in range(size // 1700))),
        ),
        "deep maps": (
            "traces",
            lambda: export(*(span(attribute("a", nested(24, b"\x32")) * 9, n) for n in range(size // 2400))),
        ),
        "too deep": ("traces", lambda: export(span(attribute("a", nested(20_000))))),
        "trace state": ("traces", lambda: export(span(sized(3, b"a=1," * (size // 4))))),
        "JSON in a text": ("traces", lambda: export(*_texts("[" + "0," * 900_000 + "0]", size))),
        "brackets in a text": ("traces", lambda: export(*_texts("[" * 1_500_000, size))),
        "literal in a text": ("traces", lambda: export(*_texts("['a'," + "0," * 900_000 + "]", size))),
        "long text": ("traces", lambda: export(span(attribute("a", text("two words " * (size // 10)))))),
        "log records": ("logs", lambda: sized(1, sized(2, b"\x12\x00" * (size // 2)))),
        "log body": ("logs", lambda: sized(1, sized(2, sized(2, sized(5, sized(5, b"\x0a\x00" * (size // 2))))))),
        "metrics": ("metrics", lambda: sized(1, sized(2, b"\x12\x00" * (size // 2)))),
        "points": ("metrics", lambda: sized(1, sized(2, sized(2, sized(5, b"\x0a\x00" * (size // 2)))))),
        "exemplars": ("metrics", lambda: sized(1, sized(2, sized(2, sized(5, sized(1, b"\x2a\x00" * (size // 2))))))),
        "mixed": ("traces", lambda: _mixed(size)),
    }


def _in_json(size: int) -> dict[str, Callable[[], bytes]]:
    """The same in JSON, and what only JSON can say."""
    values = b'{"arrayValue":{"values":[%b]}}'
    return {
        "JSON: empty resources": lambda: b'{"resourceSpans":[' + b"{}," * (size // 3) + b"{}]}",
        "JSON: lists": lambda: b'{"resourceSpans":' + b"[[],[]]," * (size // 8) + b"1}",
        "JSON: deep": lambda: b"[" * size,
        "JSON: deep objects": lambda: b'{"a":' * (size // 5),
        "JSON: long number": lambda: b'{"resourceSpans":' + b"9" * size + b"}",
        "JSON: long fraction": lambda: b'{"resourceSpans":0.' + b"9" * size + b"e99999}",
        "JSON: long numbers": lambda: in_json(json_span(',"kind":' + "[" + ("9" * 299 + ",") * (size // 300) + "1]")),
        "JSON: empty spans": lambda: in_json("{}," * (size // 3) + "{}"),
        "JSON: spans": lambda: in_json(",".join(json_span("", n + 1) for n in range(size // 190))),
        "JSON: attributes": lambda: in_json(json_span(',"attributes":[' + "{}," * (size // 3) + "{}]")),
        "JSON: values": lambda: in_json(
            json_span(',"attributes":[{"key":"a","value":' + (values % (b"{}," * (size // 3) + b"{}")).decode() + "}]")
        ),
        "JSON: repeated members": lambda: in_json('{"name":"a",' * 1 + '"kind":1,' * (size // 9) + '"kind":1}'),
        "JSON: not Unicode": lambda: in_json(json_span("")).replace(b'"n"', b'"\xff"') + b" " * size,
        "JSON: not Unicode, many values": lambda: b'{"resourceSpans":[' + b'{"a":"\xff"},' * (size // 10) + b"{}]}",
    }


def zoo(size: int) -> Mapping[str, Callable[[], Made]]:
    """Each kind of body, of about `size` bytes before compression."""
    wire = _many(size) | _odd(size) | _nested(size)
    found: dict[str, Callable[[], Made]] = {n: partial(_of, s, "protobuf", m) for n, (s, m) in wire.items()}
    return found | {name: partial(_of, "traces", "json", make) for name, make in _in_json(size).items()}


def _of(signal: Signal, encoding: Encoding, make: Callable[[], bytes]) -> Made:
    return signal, encoding, make()


def _texts(one: str, size: int) -> Iterator[bytes]:
    return (span(attribute(f"a{n}", text(one)), n) for n in range(max(1, size // len(one))))


def _mixed(size: int) -> bytes:
    """A bit of everything, by chance that is the same every time."""
    chance = random.Random(size)
    pieces = (
        b"\x4a\x00",
        b"\x5a\x00",
        b"\x6a\x00",
        b"\x2a\x00",
        attribute("a", nested(9)),
        attribute("b", text("x y")),
    )
    spans: list[bytes] = []
    left = size
    while left > 0:
        spans.append(span(b"".join(chance.choices(pieces, k=chance.randrange(400))), len(spans)))
        left -= len(spans[-1])
    return export(*spans)


def compressed(made: Made, limit: int = 64 * MIB) -> RequestBody:
    """As it is sent."""
    signal, encoding, data = made
    return RequestBody(signal, gzip.compress(data, 1), encoding, "gzip", limit)
