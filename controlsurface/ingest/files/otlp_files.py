"""Files of OTLP as bodies, plain or gzipped, with bounds on what a file may open into."""

import codecs
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast

from controlsurface import config
from controlsurface.errors import BadBody, NotFound, OverLimit, TooLarge
from controlsurface.ingest.limits import DEFAULT_BODY_LIMITS, BodyLimits, scan_json, scan_protobuf
from controlsurface.ingest.otlp import json_values
from controlsurface.ingest.wire.mend_utf8 import parse_protobuf
from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, Encoding, Signal, request_items

_FREE_BYTES = 64 * config.MIB  # that any file may open into, however small it is


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What a file that is imported may open into, and one message in it."""

    max_bytes: int
    max_ratio: int
    max_message: int

    @classmethod
    def of(cls, settings: config.Config) -> "FileLimits":
        """As configured."""
        return cls(settings.files.max_bytes, settings.files.max_ratio, settings.receiver.max_http_body)

    def opens(self, path: Path, size: int) -> None:
        """Raises TooLarge naming the key, where a file of this size on disk opens into too many bytes."""
        if size > self.max_bytes:
            raise TooLarge(f"{path}: opens into more than {self.max_bytes} bytes; raise files.max_bytes")
        if size > _FREE_BYTES and size > self.max_ratio * path.stat().st_size:
            raise TooLarge(f"{path}: opens into more than {self.max_ratio} times its size; raise files.max_ratio")

    def message(self, path: Path, size: int) -> None:
        """Raises TooLarge naming the key, where one message of so many bytes is too large."""
        if size > self.max_message:
            hint = "write smaller ones, or raise receiver.max_http_body"
            raise TooLarge(f"{path}: one message has more than {self.max_message} bytes; {hint}")


DEFAULT_FILE_LIMITS = FileLimits.of(config.Config())


class BoundedGzipStream(io.RawIOBase):
    """What a gzipped file holds; reading on where it is too much raises TooLarge."""

    def __init__(self, path: Path, limits: FileLimits) -> None:
        super().__init__()
        self._path, self._limits = path, limits
        self._file = gzip.open(path)  # noqa: SIM115 - closed with this
        self._bytes = 0

    def readable(self) -> bool:
        """As all streams that are read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """As io.RawIOBase."""
        size = self._file.readinto(buffer)
        self._bytes += size
        self._limits.opens(self._path, self._bytes)
        return size

    def close(self) -> None:
        """As io.IOBase."""
        self._file.close()
        super().close()


FileFormat = Literal["otlp", "otlp-json", "otlp-jsonl", "table"]

_GZIP = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
_TRUNCATED_ERRORS = (OSError, EOFError, zlib.error)  # what a damaged gzip file raises
_HEAD_BYTES = 1 << 20  # bytes looked at to guess a format
_SIGNALS: dict[str, Signal] = {"resourceSpans": "traces", "resourceLogs": "logs", "resourceMetrics": "metrics"}
_ITEM_TESTS: dict[Signal, Callable[[Any], bool]] = {  # what only an item of the signal has
    "traces": lambda span: len(span.trace_id) == 16 or len(span.span_id) == 8,
    "logs": lambda record: bool(record.time_unix_nano or record.observed_time_unix_nano),
    "metrics": lambda metric: bool(metric.WhichOneof("data")),
}


@dataclass(frozen=True, slots=True)
class FileBody:
    """One export request, and where it stands: `file` or `file:line`."""

    signal: Signal
    encoding: Encoding
    payload: bytes
    place: str


def detect_format(path: Path) -> FileFormat:
    """The format, from the content alone. Raises NotFound when there is no such file, BadBody when it is cut."""
    head = _content(path, _HEAD_BYTES)
    if head.startswith(PARQUET_MAGIC):
        return "table"
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if text[:1] == b"{":
        first, _, rest = text.partition(b"\n")
        return "otlp-jsonl" if rest.strip() and _is_json(first) else "otlp-json"
    return "table" if _is_text(head) else "otlp"


def file_bodies(
    path: Path, form: FileFormat, may: FileLimits = DEFAULT_FILE_LIMITS, limits: BodyLimits = DEFAULT_BODY_LIMITS
) -> Iterator[FileBody | BadBody]:
    """Every body of an OTLP file; in place of one that cannot be read, what is wrong with it.

    Raises TooLarge where the file, or a message in it, opens into more than it `may`.
    """
    if form == "otlp-jsonl":
        yield from _lines(path, may, limits)
        return
    try:
        payload = _content(path, may.max_message + 1, may)
        may.message(path, len(payload))
        if form == "otlp":
            scan_protobuf("traces", payload, limits)  # the envelopes of all three are alike
            yield FileBody(detect_signal(payload), "protobuf", payload, str(path))
        else:
            yield FileBody(_signal_of_json(payload, limits), "json", payload, str(path))
    except OverLimit as problem:
        raise OverLimit(f"{path}: {problem}") from None
    except BadBody as problem:
        yield BadBody(f"{path}: {problem}")


def open_decompressed(path: Path, may: FileLimits = DEFAULT_FILE_LIMITS) -> IO[bytes]:
    """The file's bytes, decompressed where it is gzipped. Raises NotFound; TooLarge where they are too many."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == _GZIP
        return cast("IO[bytes]", io.BufferedReader(BoundedGzipStream(path, may))) if packed else path.open("rb")
    except OSError as problem:
        raise NotFound(f"{path}: {problem.strerror}") from None


def _content(path: Path, size: int, may: FileLimits = DEFAULT_FILE_LIMITS) -> bytes:
    """The file's bytes, or the first of them. Raises NotFound; BadBody when it is gzipped and damaged."""
    with open_decompressed(path, may) as file:
        try:
            return file.read(size)
        except _TRUNCATED_ERRORS as problem:
            raise BadBody(str(problem)) from None


def detect_signal(payload: bytes) -> Signal:
    """Which of the three requests a protobuf body is: on the wire they differ only inside. Raises BadBody."""
    if not payload:
        return "traces"
    for signal, is_item in _ITEM_TESTS.items():
        if any(map(is_item, request_items(signal, parse_protobuf(EXPORT_REQUESTS[signal], payload)))):
            return signal
    raise BadBody("neither text nor an OTLP message with spans, logs or metrics")


def _lines(path: Path, may: FileLimits, limits: BodyLimits) -> Iterator[FileBody | BadBody]:
    """One body a line, as the Collector's file exporter writes them."""
    with open_decompressed(path, may) as file:
        try:
            for number, line in enumerate(iter(lambda: file.readline(may.max_message + 2), b""), 1):
                may.message(path, len(line.rstrip(b"\r\n")))
                if line.strip():
                    yield _line(line, f"{path}:{number}", limits)
        except _TRUNCATED_ERRORS as problem:
            yield BadBody(f"{path}: {problem}")


def _line(line: bytes, place: str, limits: BodyLimits) -> FileBody | BadBody:
    try:
        return FileBody(_signal_of_json(line, limits), "json", line.strip(), place)
    except (BadBody, OverLimit) as problem:
        return BadBody(f"{place}: {problem}")


def _signal_of_json(text: bytes, limits: BodyLimits) -> Signal:
    """Which request a JSON document is. Raises BadBody, OverLimit."""
    scan_json(text, limits)
    document = json_values.parse_json(text)
    for key, signal in _SIGNALS.items():
        if isinstance(document, dict) and key in document:
            return signal
    raise BadBody(f"no {', '.join(_SIGNALS)} in it")


def _is_json(line: bytes) -> bool:
    try:
        json_values.parse_json(line)
    except BadBody:
        return False
    return True


def _is_text(head: bytes) -> bool:
    """Whether it reads as UTF-8 without control characters; the last character may be cut."""
    try:
        text = head.decode("utf-8", "strict" if len(head) < _HEAD_BYTES else "ignore")
    except UnicodeDecodeError:
        return False
    return bool(text) and not any(ord(c) < 32 and c not in "\t\r\n" for c in text)
