"""How `make test` spreads tests over workers, tried with pytest and xdist as they are installed."""

import subprocess
import sys
from pathlib import Path

from tests.project.tree import ROOT

FILES = ("tests/browser/test_a.py", "tests/browser/test_b.py", "tests/web/test_c.py", "tests/web/test_d.py")
NOTES = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(4))
def test_notes_its_worker(number):
    with pathlib.Path(__file__).with_suffix(".workers").open("a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


def test_a_file_has_one_worker_and_a_folder_of_browsers_too(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(NOTES)
    options = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", "-p", "tests.conftest", "-c", "/dev/null"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        *options,
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
        "-p",
        "no:cacheprovider",
    ]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, timeout=120)
    workers = {name: (tmp_path / name).with_suffix(".workers").read_text().split() for name in FILES}
    assert {name: (len(each), len({*each})) for name, each in workers.items()} == dict.fromkeys(FILES, (4, 1))
    assert workers[FILES[0]] == workers[FILES[1]]
