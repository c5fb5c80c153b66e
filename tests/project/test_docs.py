"""The documentation is complete, its links lead somewhere, and its tables are the code's."""

import re
from pathlib import Path

import pytest

from controlsurface.content import COLLECTORS
from tests.project import generated, tree

DOCUMENTS = [path for path in tree.files() if path.suffix == ".md"]
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)(?:#[\w-]+)?\)|<img[^>]+src=\"(?!http)([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ANCHOR = re.compile(r"\]\(#([\w-]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


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
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    linked = [a or b for a, b in LINK.findall(prose(document))]
    assert not [link for link in linked if not (document.parent / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=tree.name)
def test_every_link_to_a_heading_leads_to_one(document: Path) -> None:
    slugs = {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in HEADING.findall(prose(document))}
    assert set(ANCHOR.findall(prose(document))) <= slugs


def test_every_vocabulary_has_a_way_to_point_its_client_here() -> None:
    text = (tree.ROOT / "README.md").read_text("utf-8")
    assert not [path.name for path in COLLECTORS.glob("*.toml") if f"collectors/{path.name}" not in text]
