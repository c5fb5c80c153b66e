"""`make run` and `make test` set up where uv cannot and where a proxy has its own authority; failures are one line.

astral-sh/uv 1474, 8832, 17355 (UnknownIssuer behind a proxy that inspects), 16474, 19876; pypa/pip 9644, 12345 and
pytest-dev/pytest-cov 612 (`coverage[toml]` with hashes, before pip 24); astral-sh/uv 1595, 2163 (extras in locks).
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project import tree
from tests.project.index import lock, served, wheel

PAGE = "#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8; do echo '  x cause of a cause' >&2; done\n"
BROKEN_UV = f"{PAGE}echo '  Caused by: invalid peer certificate: UnknownIssuer' >&2\nexit 2\n"
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "ours"
version = "1.0"
"""
BACKEND = """
import shutil
def build_editable(folder, config_settings=None, metadata_directory=None):
    return shutil.copy("ours-1.0-py3-none-any.whl", folder).rpartition("/")[2]
"""


def environment(**more: str) -> dict[str, str]:
    """Ours, without what tells installers where to look and whom to trust."""
    told = re.compile(r"(PIP|UV)_|SSL_CERT|.*CA_(BUNDLE|CERTS)|(HTTPS?|ALL)_PROXY|MAKE|CONTROLSURFACE", re.IGNORECASE)
    kept = {name: value for name, value in os.environ.items() if not told.match(name)}
    return {
        **kept,
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_CONFIG": "1",
        "UV_NO_CACHE": "1",
        "PIP_NO_CACHE_DIR": "1",
        **more,
    }


def run(argv: list[str], folder: Path, given: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        argv, cwd=folder, env=environment(**given), capture_output=True, text=True, timeout=180, check=False
    )


@pytest.fixture(scope="module")
def empty_venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with pip alone; its Python works wherever it is copied to."""
    path = tmp_path_factory.mktemp("venv") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", path], check=True, timeout=120)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of our Makefile with packages of its own: `needy` needs `thing[more]`, of which the lock has an old."""
    index = tmp_path / "index"
    index.mkdir()
    things = [wheel(index, "thing", version, extra="more") for version in ("1.0", "2.0")]
    needy = wheel(index, "needy", "1.0", "thing[more]>=1")
    shutil.copy(tree.ROOT / "Makefile", tmp_path)
    shutil.copytree(tree.ROOT / ".ci", tmp_path / ".ci")
    lock(tmp_path / "requirements.lock", wheel(index, "runs"))
    lock(tmp_path / "requirements-test.lock", things[0], needy)
    lock(tmp_path / "requirements-uv.lock", wheel(index, "uv", script=BROKEN_UV))
    lock(tmp_path / "tests/serve/requirements-litellm.lock", wheel(tmp_path, "litellm"))
    wheel(tmp_path, "ours")
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "backend.py").write_text(BACKEND)
    return tmp_path


def make(project: Path, *targets: str, **more: str) -> "subprocess.CompletedProcess[str]":
    found = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(project / "index"), **more}
    return run(["make", "--no-print-directory", *targets, f"PYTHON={sys.executable}"], project, found)


def installed(project: Path) -> set[str]:
    return {each.name.split("-")[0] for each in project.glob(".venv/lib/*/site-packages/*.dist-info")}


def test_a_uv_that_fails_is_one_line_and_pip_installs_all_that_make_test_needs(project: Path) -> None:
    made = make(project, ".venv/.run", ".venv/.test")
    assert made.returncode == 0, made.stderr
    assert {"runs", "ours", "needy", "thing"} <= installed(project)
    assert made.stdout == ""
    reason = "(Caused by: invalid peer certificate: UnknownIssuer): pip does it, in a minute or two"
    assert made.stderr.splitlines() == [
        f"Making .venv with {sys.executable} ...",
        "Installing Control Surface and what it needs into .venv ...",
        f"uv cannot install requirements.lock {reason}",
        "Installing what the tests need into .venv ...",
        f"uv cannot install requirements-test.lock {reason}",
    ]


@pytest.fixture
def begun(project: Path, empty_venv: Path) -> Path:
    """The project, where its environment has been made and nothing is installed."""
    shutil.copytree(empty_venv, project / ".venv", symlinks=True)
    return project


def test_make_test_is_set_up_without_uv_and_litellm_and_make_ci_is_not(begun: Path) -> None:
    (begun / "index" / "uv-1.0-py3-none-any.whl").unlink()
    made = make(begun, ".venv/.test", ".cache/litellm/.installed")
    assert made.returncode == 0, made.stderr
    assert "uv cannot be installed: pip does everything, in a minute or two" in made.stderr
    assert made.stderr.splitlines()[-1] == "LiteLLM cannot be installed: its tests are skipped"
    assert "needy" in installed(begun)
    strict = make(begun, ".cache/litellm/.installed", CONTROLSURFACE_NO_SKIP="1")
    assert strict.returncode != 0


def test_a_lock_that_cannot_be_installed_at_all_ends_make_with_the_reason(begun: Path) -> None:
    (begun / "index" / "runs-1.0-py3-none-any.whl").unlink()
    made = make(begun, ".venv/.run")
    assert made.returncode != 0
    assert "No matching distribution found for runs==1.0" in made.stderr
    assert len(made.stderr.splitlines()) < 14


@pytest.fixture
def place(tmp_path: Path, empty_venv: Path) -> Path:
    """An environment with pip, the script, our uv beside it, and a lock of one package in an index under TLS."""
    (tmp_path / "index").mkdir()
    lock(tmp_path / "thing.lock", wheel(tmp_path / "index", "thing"))
    shutil.copytree(tree.ROOT / ".ci", tmp_path / ".ci")
    shutil.copytree(empty_venv, tmp_path / ".venv", symlinks=True)
    return tmp_path


def install(place: Path, **given: str) -> "subprocess.CompletedProcess[str]":
    return run([".ci/install", ".venv/bin/python", "thing.lock"], place, given)


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_certificate_authority_that_the_machine_trusts_is_trusted(place: Path, installer: str) -> None:
    if installer == "uv":
        (place / ".venv/bin/uv").symlink_to(tree.ROOT / ".venv/bin/uv")
    with served(place / "index") as (address, authority):
        indexes = {"PIP_INDEX_URL": address, "UV_DEFAULT_INDEX": address}
        made = install(place, SSL_CERT_FILE=str(authority), **indexes)
    assert (made.returncode, made.stderr) == (0, "")
    assert "thing" in installed(place)


def test_a_poisoned_index_of_uv_is_one_line_and_pip_installs(place: Path) -> None:
    (place / ".venv/bin/uv").symlink_to(tree.ROOT / ".venv/bin/uv")
    local = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(place / "index")}
    made = install(place, UV_DEFAULT_INDEX="http://127.0.0.1:9/simple/", UV_HTTP_RETRIES="0", **local)
    assert made.returncode == 0
    assert re.fullmatch(r"uv cannot install thing.lock \(.+\): pip does it, in a minute or two\n", made.stderr)
    assert "thing" in installed(place)


def test_a_certificate_authority_that_nobody_trusts_is_refused_by_uv_and_pip(place: Path) -> None:
    (place / ".venv/bin/uv").symlink_to(tree.ROOT / ".venv/bin/uv")
    with served(place / "index") as (address, _):
        made = install(place, PIP_INDEX_URL=address, UV_DEFAULT_INDEX=address, UV_HTTP_RETRIES="0", PIP_RETRIES="0")
    assert made.returncode == 1
    assert "thing" not in installed(place)
    assert len(made.stderr.splitlines()) < 8


def test_pip_with_its_own_resolver_needs_extras_in_a_lock_and_ours_have_them(place: Path) -> None:
    """What pip 23 refuses is refused still where an extra is not pinned as such."""
    index = place / "index"
    pinned = wheel(index, "thing", "1.0", extra="more")
    wheel(index, "thing", "2.0", extra="more")
    bare = lock(place / "bare.lock", pinned, wheel(index, "needy", "1.0", "thing[more]>=1"))
    whole = place / "whole.lock"
    whole.write_text(bare.read_text().replace("thing==", "thing[more]=="))
    codes = [dry_run(place, each) for each in (bare, whole)]
    assert codes[1] == 0
    assert codes[0] == 0 or pip_of(place) < 24


def dry_run(place: Path, file: Path) -> int:
    argv = [".venv/bin/python", "-m", "pip", "install", "--dry-run", "--quiet", "--require-hashes", "-r", str(file)]
    return run(argv, place, {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(place / "index")}).returncode


def pip_of(place: Path) -> int:
    (found,) = place.glob(".venv/lib/*/site-packages/pip-*.dist-info")
    return int(found.name.removeprefix("pip-").split(".")[0])


def test_every_extra_that_a_pinned_package_asks_for_is_pinned_as_such() -> None:
    text = (tree.ROOT / "requirements-test.lock").read_text()
    pins = {name: set(filter(None, (extras or "").split(","))) for name, extras in _PINS.findall(text)}
    asked = [
        (canonicalize_name(need.name), extra)
        for each in distributions()
        if canonicalize_name(each.metadata["Name"]) in pins
        for need in map(Requirement, each.requires or [])
        if need.marker is None or need.marker.evaluate({"extra": ""})
        for extra in need.extras
    ]
    assert ("coverage", "toml") in asked
    assert not [(name, extra) for name, extra in asked if extra not in pins[name]]


_PINS = re.compile(r"^([a-z0-9._-]+)(?:\[([a-z0-9,-]+)\])?==", re.MULTILINE)


def test_a_lock_names_all_that_its_packages_need() -> None:
    """It is installed without resolving anything."""
    argv = [str(tree.ROOT / ".venv/bin/uv"), "pip", "check", "--python", sys.executable]
    found = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 0, found.stderr
