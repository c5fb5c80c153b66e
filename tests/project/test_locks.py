"""What is installed is pinned, by version and hash alone."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.project import tree

LOCKS = sorted(tree.ROOT.rglob("requirements*.lock"), key=str)
LOCKS = [path for path in LOCKS if not {".venv", ".cache"} & set(path.parts)]
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,-]+\])?==[^\s;]+(?: ; [^\\]+)?(?: \\)?$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def pinned(lock: str) -> set[str]:
    return {m[1] for line in (tree.ROOT / lock).read_text().splitlines() if (m := PIN.match(line))}


@pytest.mark.parametrize("lock", LOCKS, ids=tree.name)
def test_a_lock_file_holds_versions_and_hashes_and_no_addresses(lock: Path) -> None:
    strange = [line for line in lock.read_text().splitlines() if line and not PIN.match(line) and not HASH.match(line)]
    assert not [line for line in strange if not line.startswith("#")]
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("lock", LOCKS, ids=tree.name)
def test_every_pin_has_a_hash(lock: Path) -> None:
    text = lock.read_text().splitlines()
    assert not [a for a, b in zip(text, [*text[1:], ""], strict=True) if PIN.match(a) and not HASH.match(b)]


def test_every_dependency_is_pinned_and_the_tests_run_on_the_pins_of_the_product() -> None:
    project = tomllib.loads((tree.ROOT / "pyproject.toml").read_text())
    named = {re.split(r"[<>=; ]", each)[0].replace(".", "-") for each in project["project"]["dependencies"]}
    assert named <= pinned("requirements.lock") <= pinned("requirements-test.lock")
