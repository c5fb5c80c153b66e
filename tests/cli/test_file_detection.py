"""A file's format and signal are guessed from its content, and what is wrong in it is named."""

import codecs
import gzip
import json
from pathlib import Path

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from controlsurface.errors import BadBody, NotFound
from controlsurface.ingest.files.otlp_files import FileBody, detect_format, file_bodies
from tests.ingest.otlp_bodies import logs

SPANS: dict[str, object] = {"resourceSpans": []}


def test_every_capture_is_recognized(captures: Path) -> None:
    for path in captures.iterdir():
        if path.suffix in {".pb", ".json"} and "truncated" not in path.name:
            (body,) = file_bodies(path, detect_format(path))
            assert isinstance(body, FileBody)
            assert (body.signal, body.encoding) == (signal_in(path.name), encoding_of(path))


def signal_in(name: str) -> str:
    return next(signal for signal in ("traces", "logs", "metrics") if f".{signal}." in name)


def encoding_of(path: Path) -> str:
    return "json" if path.suffix == ".json" else "protobuf"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (json.dumps(SPANS), "otlp-json"),
        (json.dumps(SPANS, indent=2), "otlp-json"),
        (json.dumps(SPANS) + "\n", "otlp-json"),
        (json.dumps(SPANS) + "\n" + json.dumps(SPANS), "otlp-jsonl"),
        ("task_type,model\nchat,slm\n", "table"),
        ("", "otlp"),
    ],
)
def test_text_formats_are_told_apart(tmp_path: Path, text: str, form: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    assert detect_format(path) == form
    path.write_bytes(gzip.compress(text.encode()))
    assert detect_format(path) == form


def test_parquet_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"PAR1\x15\x04PAR1")
    assert detect_format(path) == "table"


def test_a_bad_line_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text(json.dumps(SPANS) + "\n\n{oops\n" + json.dumps({"resourceLogs": []}) + "\n{}\n")
    first, bad, logs, empty = file_bodies(path, "otlp-jsonl")
    assert isinstance(first, FileBody)
    assert isinstance(logs, FileBody)
    assert (first.signal, logs.signal) == ("traces", "logs")
    assert str(bad).startswith(f"{path}:3: not JSON")
    assert str(empty).startswith(f"{path}:5: no resourceSpans")


def test_a_cut_gzip_file_gives_what_was_whole(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl.gz"
    text = "".join(json.dumps({"resourceSpans": [], "n": n}) + "\n" for n in range(20_000))
    path.write_bytes(gzip.compress(text.encode())[:-2000])
    *whole, last = file_bodies(path, "otlp-jsonl")
    assert whole
    assert all(isinstance(each, FileBody) for each in whole)
    assert isinstance(last, BadBody)


def test_a_file_that_is_no_otlp_says_so(tmp_path: Path) -> None:
    path = tmp_path / "noise"
    path.write_bytes(bytes(range(256)) * 9)
    (problem,) = file_bodies(path, detect_format(path))
    assert str(problem).startswith(f"{path}: neither text nor an OTLP message")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(NotFound, match="nowhere"):
        detect_format(Path("nowhere.pb"))


def test_bad_characters_hide_neither_the_format_nor_the_signal(tmp_path: Path) -> None:
    line = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "x"}]}]}]}).encode()
    spoiled = line.replace(b'"x"', b'"caf\xe9 \\ud83d"')
    record = logs(LogRecord(time_unix_nano=1, severity_text="<spoil>")).SerializeToString()
    written = {
        "otlp-json": codecs.BOM_UTF8 + spoiled,
        "otlp-jsonl": spoiled + b"\n" + line,
        "otlp": record.replace(b"<spoil>", b"caf\xe9!\xff!"),
    }
    for form, content in written.items():
        path = tmp_path / form
        path.write_bytes(content)
        found = list(file_bodies(path, detect_format(path)))
        assert detect_format(path) == form
        assert all(
            isinstance(each, FileBody) and each.signal == ("logs" if form == "otlp" else "traces") for each in found
        )
