"""A text planted in any field of OTLP, at any depth, in any form, is nowhere afterwards: on no disk, in no answer."""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest
import requests
from google.protobuf import json_format
from google.protobuf.message import Message

from controlsurface.client.queries.ingest_queries import IngestQuery
from controlsurface.config import ContentConfig
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.receivers.otlp_grpc import _SERVICES
from controlsurface.ingest.validation.validate import validate_body
from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, Signal
from controlsurface.store.duckdb import DuckStore
from tests.canaries.fields import Way, name, planted, ways
from tests.ingest.conftest import VOCABULARIES
from tests.launch import Server, collector, until

WAYS = [*ways()]
AT_ONCE = 20  # planted texts in a body
WORDS = "tell nobody that "  # longer together than any bound, and no identifier
KEYS = [
    "",
    "Gen_AI.Input.Messages",
    "exception.message",
    "EXCEPTION.STACKTRACE",
    "acme.note",
    "prompt",
    "llm.prompts.0.Content",
]
FOUND = re.compile(rb"canary(\d{5})x")


def canary(number: int) -> str:
    """A text with its number in front, in the middle and at the end."""
    mark = f"canary{number:05d}x"
    return f"{mark} {WORDS * 20}{mark} {WORDS * 20}{mark}"


def plan() -> Iterator[tuple[Signal, Way, str]]:
    """Each field, those of values under several keys."""
    for signal, way in WAYS:
        inside = any(each.message_type is not None and each.message_type.name == "KeyValue" for each in way)
        yield from ((signal, way, key) for key in (KEYS if inside and way[-1].name != "key" else KEYS[:1]))


PLAN = [*plan()]


def as_json(message: Message) -> bytes:
    """OTLP/JSON, whose ids are hex."""
    return json.dumps(_hex(json_format.MessageToDict(message))).encode()


def _hex(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_hex(each) for each in tree]
    if not isinstance(tree, dict):
        return tree
    ids = {"traceId", "spanId", "parentSpanId"}
    return {key: base64.b64decode(each).hex() if key in ids else _hex(each) for key, each in tree.items()}


def bodies() -> Iterator[tuple[Signal, Message, int]]:
    """Requests of AT_ONCE planted ones each, beside one another as a batch has them; how many are in it."""
    for signal, some in groupby(enumerate(PLAN), key=lambda each: each[1][0]):
        while batch := [*islice(some, AT_ONCE)]:
            whole: Message = EXPORT_REQUESTS[signal]()
            for number, (_, way, key) in batch:
                whole.MergeFrom(planted(signal, way, canary(number), key))
            yield signal, whole, len(batch)


def send(server: Server, form: str) -> int:
    """Every canary in one form; how many were taken."""
    taken = 0
    channel = grpc.insecure_channel(urlsplit(server.ready["otlp_grpc"]).netloc)
    with requests.Session() as session:
        for signal, message, canaries in bodies():
            if form == "grpc":
                export = channel.unary_unary(f"/{_SERVICES[signal]}/Export", bytes, bytes)
                export(message.SerializeToString(), timeout=10)
                taken += canaries
                continue
            body, kind = (
                (as_json(message), "application/json")
                if form == "json"
                else (message.SerializeToString(), "application/x-protobuf")
            )
            url = f"{server.ready['otlp_http']}/v1/{signal}"
            taken += canaries * session.post(url, body, headers={"Content-Type": kind}, timeout=10).ok
    channel.close()
    return taken


def leaks(data: bytes) -> set[str]:
    """The fields whose canary is in these bytes: plain, in hex, in base64, or with zeros between."""
    forms = [data, data.replace(b"\0", b"")]
    forms += [_decoded(found) for found in re.findall(rb"[A-Za-z0-9+/]{200,}={0,2}", data)]
    forms += [bytes.fromhex(found.decode()) for found in re.findall(rb"(?:[0-9a-f]{2}){100,}", data)]
    numbers = {int(found[1]) for form in forms for found in FOUND.finditer(form)}
    return {f"{name(PLAN[n][1])} under '{PLAN[n][2]}'" for n in numbers}


def _decoded(found: bytes) -> bytes:
    return base64.b64decode(found[: len(found) // 4 * 4] or b"", validate=False)


def rows(data: Path) -> Iterator[bytes]:
    """Everything that the store holds."""
    store = DuckStore.open(data)
    try:
        tables = store.state("SELECT DISTINCT table_name AS t FROM duckdb_tables() WHERE NOT temporary")[
            "t"
        ].to_pylist()
        for table in tables:
            for row in store.state(f'FROM "{table}"').to_pylist():
                for each in row.values():
                    yield each if isinstance(each, bytes) else str(each).encode()
    finally:
        store.close()


def answers(server: Server) -> Iterator[bytes]:
    """What the API says of everything that it can be asked without arguments, and of the trace."""
    api = server.ready["api"]
    found: Mapping[str, Mapping[str, Any]] = requests.get(f"{api}/api/openapi.json", timeout=10).json()["paths"]
    paths = [path for path, methods in found.items() if "get" in methods and "{" not in path]
    assert len(paths) > 20
    trace = (bytes(15) + b"\x01").hex()
    for path in [*paths, f"/api/v1/traces/{trace}", f"/api/v1/requests/{trace}"]:
        yield requests.get(f"{api}{path}", timeout=30).content


def told(places: Iterable[bytes]) -> set[str]:
    return set().union(*map(leaks, places))


@pytest.mark.parametrize("store", ["none", "redacted"])
def test_the_content_policy_passes_no_personal_text_longer_than_a_name_in_any_field(store: str) -> None:
    policy, everything = (
        ContentPolicy(ContentConfig.model_validate({"store": each}), VOCABULARIES) for each in (store, "all")
    )
    passed, control = set(), 0
    for number, (signal, way, key) in enumerate(PLAN):
        text = f"{WORDS * 20}canary{number:05d}x@example.org {WORDS * 20}"
        sent = planted(signal, way, text, key).SerializeToString()
        control += bool(leaks(validate_body(signal, sent, "protobuf", everything).payload))
        passed |= leaks(validate_body(signal, sent, "protobuf", policy).payload)
    assert control > 0.95 * len(PLAN)
    assert passed == set()


@pytest.mark.parametrize("store", ["none"])
@pytest.mark.parametrize("form", ["protobuf", "json", "grpc"])
def test_a_canary_in_any_field_is_nowhere_on_disk_in_answers_or_in_logs(tmp_path: Path, form: str, store: str) -> None:
    config = tmp_path / "controlsurface.toml"
    config.write_text(f'[content]\nstore = "{store}"\n[writer]\nmax_delay = "3s"\n')  # few batches: each takes 0.2 s
    with collector(tmp_path, "--config", str(config)) as server:
        assert send(server, form) == len(PLAN)
        until(lambda: not server.reader().run(IngestQuery()).pending, 60)
        said = told(answers(server))
        assert server.stop() == 0
    data = tmp_path / "data"
    files = [path.read_bytes() for path in data.rglob("*") if path.is_file()]
    kept = {"answers": said, "files": told(files), "rows": told(rows(data)), "logs": told([server.words.read_bytes()])}
    assert kept == {"answers": set(), "files": set(), "rows": set(), "logs": set()}


def test_the_leak_search_finds_a_canary_in_every_disguise() -> None:
    """What the test above rests on: it finds what is there."""
    text = canary(7).encode()
    for disguise in (text, base64.b64encode(text), text.hex().encode(), "".join(map(chr, text)).encode("utf-16-le")):
        assert leaks(b"before " + disguise + b" after") == {f"{name(PLAN[7][1])} under '{PLAN[7][2]}'"}


def test_canary_fields_are_all_those_of_the_descriptors() -> None:
    """Texts that were forgotten once."""
    known = {name(way) for _, way in WAYS}
    spans = "resource_spans.scope_spans.spans"
    for each in (
        "events.name",
        "events.attributes.value.string_value",
        "status.message",
        "trace_state",
        "links.trace_state",
    ):
        assert f"{spans}.{each}" in known
    assert f"{spans}.attributes.value.kvlist_value.values.value.array_value.values.string_value" in known
    assert "resource_logs.scope_logs.log_records.body.bytes_value" in known
    assert len(PLAN) > 1000
