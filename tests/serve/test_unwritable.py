"""A data directory that cannot be used as it must be is one clear line and an exit code, and never a traceback."""

import ctypes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from controlsurface.errors import StoreError
from controlsurface.store.duckdb import DuckStore

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="root gives up its privileges by a call of Linux")
PR_CAPBSET_DROP = 24
PRIVILEGES = range(4)  # CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
COMMANDS = {
    "collector": ("controlsurface.collector",),
    "serve": ("controlsurface.cli", "serve", "--port", "0", "--otlp-http-port", "0", "--otlp-grpc-port", "0"),
    "query": ("controlsurface.cli", "query", "requests"),
}


def give_up_privileges() -> None:
    """Run in the child: root is then a user like others, to whom rights apply."""
    for each in PRIVILEGES:
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, each, 0, 0, 0)


def ran(*argv: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", *argv]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, preexec_fn=give_up_privileges
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    DuckStore.open(tmp_path / "data").close()
    (tmp_path / "data" / "journal").mkdir()
    return tmp_path / "data"


def read_only(data: Path) -> None:
    for path in (*data.rglob("*"), data):
        path.chmod(0o500 if path.is_dir() else 0o400)


def no_lock(data: Path) -> None:
    (data / "lock").chmod(0)


@pytest.mark.parametrize("spoil", [read_only, no_lock], ids=lambda each: each.__name__)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_data_directory_that_cannot_be_written_is_named(
    data: Path, command: str, spoil: Callable[[Path], None]
) -> None:
    spoil(data)
    ended = ran(*COMMANDS[command], "--data", str(data))
    assert ended.returncode == StoreError.exit_code
    assert f"{data}/lock: Permission denied; give --data a directory that this user can write" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "nanobind" not in ended.stderr


@pytest.mark.parametrize("kept_from", ["journal", "controlsurface.duckdb"])
def test_a_part_of_the_data_directory_that_cannot_be_written_is_named(data: Path, kept_from: str) -> None:
    (data / kept_from).chmod(0o500)
    ended = ran("controlsurface.collector", "--data", str(data))
    assert ended.returncode == StoreError.exit_code
    assert f"{data}/{kept_from}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_doctor_names_an_unwritable_data_directory_too(data: Path) -> None:
    read_only(data)
    ended = ran("controlsurface.cli", "doctor", "--data", str(data))
    assert ended.returncode == 1
    assert f"{data}: this user cannot write there" in ended.stdout
    assert "Traceback" not in ended.stderr
