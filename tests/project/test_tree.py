"""The repository keeps the shape and the sizes that its style asks for."""

import re
from statistics import median

from tests.project import tree

VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "pages"}
MACHINE = re.compile(r"(?<![\w.~-])/(?:work|root|home|Users)/[A-Za-z]")
REGISTRY = re.compile(r"https?://[\w.]*(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|debian\.org)")


def test_no_file_of_code_has_more_than_400_lines() -> None:
    written = [path for path in tree.files() if path.suffix not in {".lock", ".md"}]
    assert not [tree.name(path) for path in written if len(path.read_text("utf-8").splitlines()) > 400]


def test_no_function_has_more_than_60_lines() -> None:
    python = tree.sources("controlsurface", "dashboards", "tests")
    long = {f"{tree.name(p)}: {f.name}": n for p in python for f in tree.functions(p) if (n := tree.lines(f)) > 60}
    assert not long


def test_half_of_all_functions_have_at_most_seven_lines() -> None:
    sizes = [tree.lines(f) for path in tree.sources("controlsurface", "dashboards") for f in tree.functions(path)]
    assert median(sizes) <= 7


def test_a_page_is_short_enough_to_read_like_the_screen() -> None:
    long = {tree.name(p): n for p in tree.sources("dashboards") if (n := len(p.read_text().splitlines())) > 100}
    assert not long


def test_a_module_or_folder_has_no_vague_name() -> None:
    python = tree.sources("controlsurface", "dashboards", "tests")
    assert not [tree.name(path) for path in python if VAGUE & {*path.relative_to(tree.ROOT).parts, path.stem}]


def test_no_file_names_a_place_on_one_machine() -> None:
    assert not [tree.name(path) for path in tree.files() if MACHINE.search(path.read_text("utf-8"))]


def test_no_file_names_a_package_registry() -> None:
    assert not [tree.name(path) for path in tree.files() if REGISTRY.search(path.read_text("utf-8"))]


def test_every_module_and_page_begins_with_a_docstring() -> None:
    python = [path for path in tree.sources("controlsurface", "dashboards") if path.read_text("utf-8").strip()]
    assert not [tree.name(path) for path in python if not path.read_text("utf-8").startswith('"""')]


def test_every_directory_of_the_package_is_a_package() -> None:
    folders = {path.parent for path in tree.sources("controlsurface")}
    assert not [tree.name(folder) for folder in folders if not (folder / "__init__.py").is_file()]
