"""What `import` opens is bounded: a small file that opens into a large one is named, with the key that allows more."""

import gzip
import re
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from controlsurface.cli import run_command
from controlsurface.config import MIB
from controlsurface.errors import TooLarge
from controlsurface.ingest.files.otlp_files import FileLimits, file_bodies
from controlsurface.ingest.table import table_bodies as rows
from tests.fuzz.hostile import export, span

TIGHT = FileLimits(max_bytes=80 * MIB, max_ratio=200, max_message=MIB)
EMPTY = b'{"resourceSpans":[' + b"{}," * 100
# The kernel's own figure: getrusage counts the process that this one was forked from, too.
PEAK = """
import re, sys
from controlsurface.cli import run_command
code = run_command(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1], file=sys.stderr)
sys.exit(code)
"""


def bomb(path: Path, part: bytes, size: int) -> Path:
    """A gzipped file that opens into `size` bytes."""
    with gzip.open(path, "wb", 6) as file:
        for _ in range(size // (len(part) * 1000)):
            file.write(part * 1000)
    return path


@pytest.mark.parametrize(
    ("name", "part", "key"),
    [
        ("a.pb", b"\x0a\x00" * 500, "files.max_ratio"),
        ("a.json", EMPTY, "receiver.max_http_body"),
        ("a.csv", b"a,b\n" * 100, "files.max_ratio"),
        ("line.jsonl", EMPTY, "receiver.max_http_body"),
    ],
)
def test_import_refuses_a_bomb_in_bounded_memory_and_names_the_file_and_the_key(
    tmp_path: Path, name: str, part: bytes, key: str
) -> None:
    path = bomb(tmp_path / name, part, 150 * MIB)
    assert path.stat().st_size < 4 * MIB
    began = time.monotonic()
    form = ["--format", "otlp-jsonl"] if name == "line.jsonl" else []
    command = [sys.executable, "-c", PEAK, "import", "--data", str(tmp_path / "data"), "--anyway", *form, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    peak_mib = int(re.findall(r"^(\d+)$", done.stderr, re.MULTILINE)[-1]) / 1024
    assert done.returncode == 5, done.stderr
    assert name in done.stderr
    assert f"raise {key}" in done.stderr
    assert peak_mib < 900
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(("form", "part"), [("otlp", b"\x0a\x00" * 50), ("otlp-json", EMPTY)])
def test_a_message_is_read_no_further_than_one_may_be_long(tmp_path: Path, form: str, part: bytes) -> None:
    path = bomb(tmp_path / "file", part, 3 * MIB)
    with pytest.raises(TooLarge, match=r"file: one message has more than .* raise receiver\.max_http_body"):
        [*file_bodies(path, form, TIGHT)]  # type: ignore[arg-type]


def test_lines_are_streamed_up_to_the_bytes_that_a_file_may_open_into(tmp_path: Path) -> None:
    path = bomb(tmp_path / "file", b'{"resourceSpans":[]}\n', 9 * MIB)
    lines = file_bodies(path, "otlp-jsonl", FileLimits(2 * MIB, 10_000, MIB))
    met = [next(lines) for _ in range(80_000)]
    with pytest.raises(TooLarge, match=r"raise files\.max_bytes"):
        met += lines


def test_a_table_of_parquet_is_measured_by_what_it_says_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    pl.DataFrame({"started_at": [0] * 5_000_000}).write_parquet(path)
    with pytest.raises(TooLarge, match=r"file\.parquet: .* raise files\.max_bytes"):
        [*rows(path, None, FileLimits(4_000_000, 200, MIB))]


def test_a_file_within_the_limits_is_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "file.pb.gz"
    path.write_bytes(gzip.compress(export(*(span(b"", n) for n in range(5000)))))
    assert run_command(["import", "--data", str(tmp_path / "data"), "--anyway", str(path)]) == 0
    assert "5000" in capsys.readouterr().out
