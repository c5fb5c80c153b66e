"""Every dependency is used, every import is declared, and each has its reason in the decisions table."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions, packages_distributions

import pytest

from tests.project import tree
from tests.project.test_locks import pinned

PROJECT = tomllib.loads((tree.ROOT / "pyproject.toml").read_text("utf-8"))
DECISIONS = (tree.ROOT / ".github/CONTRIBUTING.md").read_text("utf-8")
COPYLEFT = re.compile(r"\b(A?GPL|BUSL|Business Source)")
STARTED = {"httptools", "uvloop", "opentelemetry-exporter-otlp"}  # taken by name; brings the two exporters


def names(requirements: Iterable[str]) -> set[str]:
    return {re.split(r"[<>=; \[]", each)[0].lower() for each in requirements}


RUNTIME = names(PROJECT["project"]["dependencies"])
GROUPS = names(each for group in PROJECT["dependency-groups"].values() for each in group)


def licence(distribution: Distribution) -> str:
    """What a package's metadata says of its licence, short forms only."""
    about = distribution.metadata
    return " ".join(
        [about["License-Expression"] or "", (about["License"] or "")[:80], *about.get_all("Classifier", [])]
    )


def imported() -> set[str]:
    """The top-level names that the package and the pages import."""
    found = set()
    for path in tree.sources("controlsurface", "dashboards"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").split(".")[0])
    return found - set(sys.stdlib_module_names) - {"controlsurface"}


def test_every_import_is_a_declared_dependency() -> None:
    offered = {name for name, makers in packages_distributions().items() if RUNTIME & {m.lower() for m in makers}}
    assert imported() <= offered | {"google", "opentelemetry"}


def test_every_dependency_is_imported() -> None:
    makers = packages_distributions()
    used = {maker.lower().replace("_", "-") for name in imported() for maker in makers.get(name, [])}
    assert not RUNTIME - used - STARTED


def test_dependencies_of_the_product_are_not_strongly_copyleft() -> None:
    ours = pinned("requirements.lock")
    licences = {d.name: licence(d) for d in distributions() if d.name.lower().replace("_", "-") in ours}
    assert not {name: text for name, text in licences.items() if COPYLEFT.search(text)}


@pytest.mark.parametrize("dependency", sorted(RUNTIME | GROUPS))
def test_every_dependency_has_a_row_in_the_decisions_table(dependency: str) -> None:
    assert re.search(rf"^\|.*`{re.escape(dependency)}`", DECISIONS, re.MULTILINE)
