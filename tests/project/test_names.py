"""Names are the field's, and each stands for one thing."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.project import tree

ELSEWHERE = {"SMTP_SSL", "REQUEST_ID"}  # a class of Python's, and an argument as click writes it
NO_NOUN = {"MAX", "MIN", "MOST", "LEAST", "LIMIT", "LIMITS", "SIZE", "LONG", "LONGEST", "SHORTEST", "DEEPEST", "N"}
# Words that end like a participle and are names of things in this field.
NOUNS = {"blinding", "conditioning", "encoding", "finding", "formatting", "grouping", "mapping", "routing", "sampling"}
NOUNS |= {"ranking", "string", "tracing", "training"}


def package() -> list[Path]:
    return tree.sources("controlsurface")


def defined(kinds: tuple[type[ast.stmt], ...]) -> dict[str, set[str]]:
    """Where public classes or functions of a name are."""
    found = defaultdict(set)
    for path in package():
        for each in ast.parse(path.read_text("utf-8")).body:
            if isinstance(each, kinds) and not each.name.startswith("_"):  # type: ignore[attr-defined]
                found[each.name].add(tree.name(path))  # type: ignore[attr-defined]
    return found


def constants() -> Iterator[tuple[str, str]]:
    """Files and the names in them of numbers."""
    for path in package():
        for each in ast.parse(path.read_text("utf-8")).body:
            value = getattr(each, "value", None)
            if (
                isinstance(each, ast.Assign)
                and isinstance(value, ast.Constant)
                and isinstance(value.value, int | float)
            ):
                yield from ((tree.name(path), name.id) for name in each.targets if isinstance(name, ast.Name))


def test_the_name_of_a_public_class_stands_for_one_class() -> None:
    assert not {name: places for name, places in defined((ast.ClassDef,)).items() if len(places) > 1}


def test_public_functions_share_a_name_with_another_at_most_twenty_times() -> None:
    functions = defined((ast.FunctionDef, ast.AsyncFunctionDef))
    shared = {name: places for name, places in functions.items() if len(places) > 1 and name != "command"}
    assert sum(map(len, shared.values())) <= 20, shared


def test_a_file_name_is_hardly_ever_used_twice() -> None:
    names = Counter(path.name for path in package() if not path.name.startswith("__"))
    assert len([name for name, n in names.items() if n > 1]) <= 15


def test_a_folder_has_at_most_twenty_files() -> None:
    folders = Counter(path.parent for path in (*package(), *tree.sources("tests", "dashboards")))
    assert not {tree.name(folder): n for folder, n in folders.items() if n > 20}


def test_a_module_is_not_named_by_a_participle() -> None:
    last = {tree.name(path): path.stem.rpartition("_")[2] for path in package()}
    assert not [name for name, word in last.items() if re.search(r"[a-z]{2}(ed|ing)$", word) and word not in NOUNS]


def test_a_constant_that_is_a_number_says_of_what() -> None:
    assert not [(path, name) for path, name in constants() if {*name.strip("_").split("_")} <= NO_NOUN]


def test_a_docstring_names_no_constant_that_is_not_there() -> None:
    words = re.compile(r"\b[A-Z]{2,}(?:_[A-Z]+)+\b")
    trees = {tree.name(path): ast.parse(path.read_text("utf-8")) for path in package()}
    said = [
        (path, word)
        for path, parsed in trees.items()
        for each in ast.walk(parsed)
        if isinstance(each, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for word in words.findall(ast.get_docstring(each) or "")
    ]
    written = Counter(word for path in package() for word in words.findall(path.read_text("utf-8")))
    in_docstrings = Counter(word for _, word in said)
    missing = [(path, word) for path, word in said if written[word] <= in_docstrings[word]]
    assert not [(path, word) for path, word in missing if word not in ELSEWHERE]
