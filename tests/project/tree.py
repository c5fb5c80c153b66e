"""The repository as the project's own tests see it: which files are ours, and what is in them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FOLDERS = (".ci", ".github", "alerts", "collectors", "controlsurface", "dashboards", "docs", "tests")
_TEXT = {"", ".css", ".html", ".js", ".lock", ".md", ".py", ".sql", ".toml", ".txt", ".yaml", ".yml"}


def files() -> list[Path]:
    """Every text file of the repository."""
    inside = (path for folder in _FOLDERS for path in (ROOT / folder).rglob("*"))
    return sorted(
        path
        for path in (*ROOT.glob("*"), *ROOT.glob(".*"), *inside)
        if path.is_file()
        and path.suffix in _TEXT
        and "__pycache__" not in path.parts
        and path.name not in {".coverage", ".git"}
    )


def sources(*folders: str) -> list[Path]:
    """Every Python file beneath the folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name(path: Path) -> str:
    """A path as a reader of the repository writes it."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, methods and inner ones included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines a function has, its decorators not counted."""
    return (function.end_lineno or function.lineno) - function.lineno + 1
