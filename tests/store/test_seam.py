"""One seam: outside `store/` nobody speaks an engine's own words, and every data query has a name and a purpose."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlsurface.store.named_query import PURPOSES
from tests.project import tree

OWN_WORDS = re.compile(
    r"\b(?:duckdb|pragma)_\w+ ?\(|information_schema|current_setting|\.(?:un)?register\(|[\"'(]SET \w|"
    r"\b(?:PRAGMA|CHECKPOINT|ATTACH|DETACH|DESCRIBE|SUMMARIZE|EXPLAIN|COPY|INSTALL|VACUUM)\b"
)
TEMPORARY = re.compile(r"\bTEMP(?:ORARY)? (?:TABLE|VIEW|MACRO)\b")
# Scripts of several statements, run as a whole inside one transaction of the embedded store: derivation of a batch,
# and the traffic of a benchmark.
SCRIPTS = ("controlsurface/ingest/", "controlsurface/bench/")
OUTSIDE = [
    path
    for folder in ("controlsurface", "dashboards")
    for suffix in ("*.py", "*.sql")
    for path in sorted((tree.ROOT / folder).rglob(suffix))
    if not tree.name(path).startswith("controlsurface/store/")
]


def named() -> Iterator[tuple[str, str]]:
    """Each construction of a statement: its file, and its name."""
    for path in OUTSIDE:
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "Statement":
                    yield tree.name(path), ast.unparse(node.args[2])


def test_no_module_outside_the_store_speaks_the_engines_own_words() -> None:
    assert len(OUTSIDE) > 400
    spoken = [f"{tree.name(path)}: {m[0]}" for path in OUTSIDE if (m := OWN_WORDS.search(path.read_text("utf-8")))]
    assert not spoken


def test_no_module_outside_the_store_makes_temporary_tables_itself() -> None:
    def script(path: Path) -> bool:
        return path.suffix == ".sql" and tree.name(path).startswith(SCRIPTS)

    assert not [tree.name(path) for path in OUTSIDE if TEMPORARY.search(path.read_text("utf-8")) and not script(path)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM duckdb_tables()",
        "FROM pragma_storage_info('spans')",
        "SELECT table_name FROM information_schema.tables",
        'execute("SET threads = 1")',
        "connection.register(name, table)",
        "EXPLAIN ANALYZE SELECT 1",
    ],
)
def test_the_source_scan_finds_an_engines_own_words(text: str) -> None:
    assert OWN_WORDS.search(text)


def test_every_statement_has_a_name_with_a_purpose_and_every_name_is_used() -> None:
    names = {name.strip("'") for file, name in named() if file != "controlsurface/alerting/backtest.py"}
    assert names == set(PURPOSES)
