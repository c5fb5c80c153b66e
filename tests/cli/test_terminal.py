"""What senders write is shown on a terminal, and never obeyed.

The shapes are those of CVE-2021-25743 (kubectl), CVE-2021-42574 (signs of direction), solana-labs/solana#20495,
EONRaider/RootWire#53 (C1 and signs of direction), resend/resend-cli#240 and marmot-protocol/mdk#993.
"""

import ast
import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface import cli
from controlsurface.cli.terminal.terminal_text import escape_control_characters
from controlsurface.store.duckdb import DuckStore
from tests.forked_process import run_forked_command, start_command
from tests.stores import put

HOSTILE = "chat\x1b[31m\x1b]0;owned\x07\x9b2J\u202eevil\u2066\r\nok"
RAW = ("\x1b", "\x07", "\x9b", "\u202e", "\u2066")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("terminal")
    store = DuckStore.open(folder)
    at = datetime.now(UTC).replace(tzinfo=None)
    put(store, [{"request_id": "r", "started_at": at, "task_type": HOSTILE, "service": HOSTILE}])
    with store.writing() as writing:
        keys = "INSERT INTO attribute_keys (key, n, first_seen, last_seen) VALUES ($key, 5, now(), now())"
        writing.execute(keys, {"key": HOSTILE})
    store.close()
    return folder


def on_a_terminal(arguments: Sequence[object]) -> str:
    """What the command writes there, to both of its outputs."""
    leader, follower = pty.openpty()
    process = start_command(arguments, follower, follower)
    os.close(follower)
    with suppress(OSError):  # the other end is closed
        parts = []
        while part := os.read(leader, 65536):
            parts.append(part)
    process.wait(60)
    os.close(leader)
    return b"".join(parts).decode()


def test_a_new_process_on_a_terminal_writes_what_a_forked_one_writes(data: Path) -> None:
    arguments = ["query", "requests", "--by", "task_type", "--data", str(data)]
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "controlsurface.cli", *arguments]
    assert subprocess.run(command, stdout=follower, stderr=follower, timeout=60, check=False).returncode == 0
    os.close(follower)
    written = os.read(leader, 65536).decode()
    os.close(leader)
    assert "owned" in written
    assert not any(each in written for each in RAW)
    assert written == on_a_terminal(arguments)


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_a_name_is_shown_on_a_terminal_and_not_obeyed(data: Path, form: str) -> None:
    said = on_a_terminal(["query", "requests", "--by", "task_type", "--format", form, "--data", data])
    assert "owned" in said
    assert not any(each in said for each in RAW)


def test_doctor_shows_names_and_obeys_none(data: Path) -> None:
    said = on_a_terminal(["doctor", "--data", data])
    assert "owned" in said
    assert not any(each in said for each in RAW)


def test_an_error_that_quotes_a_name_is_no_command_either(data: Path) -> None:
    said = on_a_terminal(["query", HOSTILE, "--data", data])
    assert "no metric named" in said
    assert not any(each in said for each in RAW)


def test_output_to_a_file_has_every_character_as_it_was_sent(data: Path, tmp_path: Path) -> None:
    arguments = ["query", "requests", "--by", "task_type", "--data", data]
    from_json = run_forked_command([*arguments, "--json"], tmp_path)
    assert from_json.returncode == 0
    assert json.loads(from_json.stdout)["rows"][0]["task_type"] == HOSTILE
    from_csv = run_forked_command([*arguments, "--format", "csv"], tmp_path)
    assert from_csv.returncode == 0
    assert HOSTILE.encode() in from_csv.stdout


@given(st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Cs"])))
def test_escape_control_characters_leaves_nothing_that_a_terminal_obeys(text: str) -> None:
    left = escape_control_characters(text)
    assert not any(ord(each) < 0x20 or 0x7F <= ord(each) <= 0x9F or each in "\u202a\u202b\u202d\u202e" for each in left)
    left.encode()


def test_commands_write_only_through_the_escaping_output() -> None:
    for path in Path(cli.__file__).parent.rglob("*.py"):
        calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
        found = {ast.unparse(each.func) for each in calls} & {"click.echo", "click.secho", "print", "sys.stderr.write"}
        assert not found or path.parent.name == "terminal", path
