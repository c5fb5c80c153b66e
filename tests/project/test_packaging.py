"""A wheel carries the content directories, and what is in it works without the repository."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hatchling import build

from tests.project import tree

CONTENT = {"collectors": "*.toml", "collectors/mappings": "*.toml", "dashboards": "*.py", "alerts": "README.md"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as here:
        here.chdir(tree.ROOT)
        return folder / build.build_wheel(str(folder))


@pytest.fixture(scope="module")
def unpacked(wheel: Path) -> Path:
    folder = wheel.parent / "unpacked"
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def test_the_source_distribution_carries_what_the_readme_links_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree.ROOT)
    with tarfile.open(tmp_path / build.build_sdist(str(tmp_path))) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert {tree.name(path) for path in (tree.ROOT / "docs").iterdir()} <= packed
    assert {".github/CONTRIBUTING.md", ".github/overview.png", "CHANGELOG.md", "LICENSE"} <= packed


@pytest.mark.parametrize(("folder", "pattern"), CONTENT.items())
def test_the_wheel_carries_the_content(unpacked: Path, folder: str, pattern: str) -> None:
    ours = {path.name for path in (tree.ROOT / folder).glob(pattern)}
    packed = unpacked / "controlsurface/_content" / folder
    assert ours
    assert {path.name for path in packed.glob(pattern)} == ours


def test_the_wheel_carries_the_types_every_statement_and_every_template(unpacked: Path) -> None:
    packed = {".sql", ".html", ".css"}
    ours = [p for p in (tree.ROOT / "controlsurface").rglob("*") if p.suffix in packed or p.name == "py.typed"]
    assert not [tree.name(path) for path in ours if not (unpacked / tree.name(path)).is_file()]


def test_the_wheel_puts_nothing_but_the_package_into_site_packages(unpacked: Path) -> None:
    assert {path.name.split("-")[0] for path in unpacked.iterdir()} == {"controlsurface"}


def test_the_content_in_a_wheel_is_found_and_read(unpacked: Path) -> None:
    program = (
        "from controlsurface import shipped_paths as content; from controlsurface.config import Config; "
        "from controlsurface.ingest.translate import conventions; "
        "print(content.ROOT, len(conventions.load_conventions(Config()).vocabularies))"
    )
    command = [sys.executable, "-P", "-c", program]
    result = subprocess.run(
        command, env={"PYTHONPATH": str(unpacked)}, cwd=unpacked, capture_output=True, text=True, check=True, timeout=60
    )
    root, count = result.stdout.split()
    assert Path(root) == unpacked / "controlsurface/_content"
    assert int(count) == len(list((tree.ROOT / "collectors").glob("*.toml")))
