"""What must hold for any bytes at all; shared by the fuzzers and by the short test in the normal suite."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from controlsurface.config import Config, ContentConfig
from controlsurface.config import JournalConfig as Settings
from controlsurface.errors import BadBody, StoreError
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.content.key_policy import KeyVerdict
from controlsurface.ingest.journal.journal import Journal
from controlsurface.ingest.journal.segment_file import JournalPosition, JournalRecord
from controlsurface.ingest.otlp.trace_decoder import decode_traces
from controlsurface.ingest.translate import conventions
from controlsurface.ingest.validation.validate import validate_body
from controlsurface.ingest.wire.drop_marks import DROP_MARK_PREFIX
from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, SIGNALS, Encoding

CAPTURES = Path(__file__).parent.parent / "captures"
CONVENTIONS = conventions.load_conventions(Config())
ENCODINGS: tuple[Encoding, ...] = ("protobuf", "json")
POLICIES = [
    ContentPolicy(ContentConfig(store=store), CONVENTIONS.vocabularies) for store in ("none", "redacted", "all")
]


def seeds() -> Iterator[bytes]:
    """Every captured body, before it the byte that says what it is."""
    for path in sorted((*CAPTURES.glob("*.pb"), *CAPTURES.glob("*.json"))):
        signal = next(number for number, name in enumerate(SIGNALS) if f".{name}." in path.name)
        yield bytes([signal + 3 * (path.suffix == ".json")]) + path.read_bytes()


def a_body_is_refused_or_kept_whole_clean_and_readable(data: bytes) -> None:
    """The first byte chooses signal, encoding and policy, the rest is the body."""
    if not data:
        return
    choice, body = data[0], data[1:]
    signal, encoding, prompts = SIGNALS[choice % 3], ENCODINGS[choice // 3 % 2], POLICIES[choice // 6 % 3]
    try:
        checked = validate_body(signal, body, encoding, prompts)
    except BadBody:
        return
    EXPORT_REQUESTS[signal].FromString(checked.payload)
    again = validate_body(signal, checked.payload, "protobuf", prompts)
    assert (again.payload, again.accepted, again.rejected) == (checked.payload, checked.accepted, 0)
    if signal == "traces":
        decoded = decode_traces([(checked.payload, 1)], CONVENTIONS.wanted)
        assert decoded.table.num_rows + decoded.repeats == checked.accepted
        assert prompts is not POLICIES[0] or not [*said(prompts, checked.payload)]


def said(prompts: ContentPolicy, payload: bytes) -> Iterator[KeyValue]:
    """The attributes of a request's spans that hold content and are neither empty nor replaced."""
    for resource in ExportTraceServiceRequest.FromString(payload).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                for each in span.attributes:
                    content = prompts.keys[each.key] is KeyVerdict.CONTENT and each.key != "output.value"
                    if (
                        content
                        and each.value.WhichOneof("value")
                        and not each.value.string_value.startswith(DROP_MARK_PREFIX)
                    ):
                        yield from (each,) if each.value.string_value else ()


def a_damaged_segment_gives_sound_records_or_is_refused(data: bytes) -> None:
    """The bytes as the last segment: what is left of it stays the same, and what is appended follows it."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "0000000000000001.journal").write_bytes(data)
        try:
            left = appended(Path(folder), b"more")
        except StoreError:
            assert not data.startswith(b"CSJRNL1\n")
            return
        assert left[-1].payload == b"more"
        assert all(record.payload in data for record in left[:-1])
        assert appended(Path(folder), b"again")[:-1] == left


def appended(folder: Path, payload: bytes) -> list[JournalRecord]:
    """All records of a folder after one more was written."""
    journal = Journal(folder, Settings())
    try:
        journal.append("traces", payload, 1, 1).result(10)
        found: list[JournalRecord] = []
        while more := journal.read(found[-1].end if found else JournalPosition(0, 0), 1 << 20):
            found += more
        return found
    finally:
        journal.close()
