"""An XLSX file read as what it is, a zip of XML: no code of those who wrote it."""

import io
import re
import zipfile
from xml.etree import ElementTree as ET

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_workbook(body: bytes, *, formulas: bool = False) -> dict[str, list[list[str]]]:
    """The cells of each sheet as texts, empty ones included; or only its formulas, of sheets that have some."""
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        shared = [_text(item) for item in _tree(packed, "xl/sharedStrings.xml")]
        names = [sheet.attrib["name"] for sheet in _tree(packed, "xl/workbook.xml").iter(f"{_MAIN}sheet")]
        sheets = {name: _tree(packed, f"xl/worksheets/sheet{n}.xml") for n, name in enumerate(names, 1)}
    if formulas:
        found = {name: [[each.text or ""] for each in tree.iter(f"{_MAIN}f")] for name, tree in sheets.items()}
        return {name: texts for name, texts in found.items() if texts}
    return {name: [_cells(row, shared) for row in tree.iter(f"{_MAIN}row")] for name, tree in sheets.items()}


def _tree(packed: zipfile.ZipFile, name: str) -> ET.Element:
    return ET.fromstring(packed.read(name))


def _text(item: ET.Element) -> str:
    return "".join(part.text or "" for part in item.iter(f"{_MAIN}t"))


def _cells(row: ET.Element, shared: list[str]) -> list[str]:
    found: list[str] = []
    for cell in row:
        place = _place(cell.attrib["r"])
        found += [""] * (place - len(found))
        value = cell.findtext(f"{_MAIN}v") or ""
        found.append(shared[int(value)] if cell.attrib.get("t") == "s" else value)
    return found


def _place(name: str) -> int:
    """The column of a cell: `A1` is 0."""
    letters = re.sub(r"\d", "", name)
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1
