"""The documentation is complete, its links lead somewhere, and its tables are the code's."""

import re
from pathlib import Path

import pytest

from controlsurface.api.openapi import openapi_document
from controlsurface.shipped_paths import COLLECTORS
from tests.project import generated, tree

DOCUMENTS = [path for path in tree.files() if path.suffix == ".md"]
NEW = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]  # which names what is gone
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]*)(?:#([\w-]+))?\)|<img[^>]+src=\"(?!http)([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
ENDPOINT = re.compile(r"`(?:([A-Z]+) )?(/(?:api|metrics|healthz|readyz)[^`?]*)[^`]*`")


def prose(path: Path) -> str:
    return FENCED.sub("", path.read_text("utf-8"))


@pytest.mark.parametrize("document", generated.DOCUMENTS, ids=tree.name)
def test_generated_tables_are_fresh(document: Path) -> None:
    assert document.read_text("utf-8") == generated.fresh(document), "run `make docs`"


def test_every_generated_table_is_in_a_document() -> None:
    shown = {m[2] for document in generated.DOCUMENTS for m in generated.BLOCK.finditer(document.read_text("utf-8"))}
    assert shown == set(generated.BLOCKS)


def test_every_configuration_key_says_what_it_means() -> None:
    rows = [line.split(" | ") for line in generated.configuration().splitlines()]
    assert not [row for row in rows if not row[-1].strip(" |")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=tree.name)
def test_every_relative_link_leads_to_a_file_and_its_anchor_to_a_heading(document: Path) -> None:
    found = [(a or c, anchor) for a, anchor, c in LINK.findall(prose(document))]
    links = [(document.parent / file if file else document, anchor) for file, anchor in found]
    assert not [str(file) for file, _ in links if not file.exists()]
    assert not [(str(file), anchor) for file, anchor in links if anchor and anchor not in slugs(file)]


def slugs(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in HEADING.findall(prose(document))}


def test_the_readme_has_at_most_200_lines_and_links_to_every_page() -> None:
    text = (tree.ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 200
    assert not [page.name for page in (tree.ROOT / "docs").iterdir() if f"](docs/{page.name})" not in text]


@pytest.mark.parametrize("document", NEW, ids=tree.name)
def test_every_endpoint_named_in_a_document_exists(document: Path) -> None:
    paths = openapi_document()["paths"]
    named = ENDPOINT.findall(document.read_text("utf-8"))
    assert not [(method, path) for method, path in named if (method.lower() or "get") not in paths.get(path, {})]


def test_every_vocabulary_has_a_row_in_its_document() -> None:
    text = (tree.ROOT / "docs/vocabularies.md").read_text("utf-8")
    assert not [path.name for path in COLLECTORS.glob("*.toml") if f"collectors/{path.name}" not in text]
