"""Texts that spreadsheets run as formulas, in every CSV that leaves.

The shapes are those of OWASP's page on CSV injection, hhurz/tableExport.jquery.plugin#230,
adaltas/node-csv-stringify#69, netresearch/timetracker#318 and lablup/backend.ai-webui#9365 (numbers stay numbers).
"""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlsurface.export.table_formats import as_csv, as_json, guard_formula, unguard_formula

FORMULAS = [
    *('=HYPERLINK("http://evil")', "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1"),
    *("\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "\u00a0=1", "'=1", "''@x", "@cf/meta/llama-3", "-"),
]


def cells(table: pa.Table) -> list[list[str]]:
    return [*csv.reader(io.StringIO(as_csv(table).decode(), newline=""))]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_could_be_a_formula_is_written_as_text(text: str) -> None:
    head, row = cells(pa.table({text: [text]}))
    assert (head, row) == ([f"'{text}"], [f"'{text}"])


def test_a_line_break_within_a_text_begins_no_csv_row() -> None:
    assert as_csv(pa.table({"model": ["x\r=1+1", "y\n=1"]})) == b'model\n"x\r=1+1"\n"y\n=1"\n'


def test_numbers_and_times_stay_as_they_are() -> None:
    table = pa.table({"n": [-1], "x": [-0.5], "usd": [Decimal("-0.27")], "at": [datetime(2026, 1, 5, tzinfo=UTC)]})
    assert cells(table)[1] == ["-1", "-0.5", "-0.27", "2026-01-05T00:00:00Z"]


@pytest.mark.parametrize("text", ["gpt-4o", "a=b", "rag_answer", "5 - 3", "", "'quoted'"])
def test_guard_formula_leaves_other_texts_as_they_are(text: str) -> None:
    assert guard_formula(text) == text


def test_json_has_every_text_as_it_is() -> None:
    assert b'"=1+1"' in as_json(pa.table({"model": ["=1+1"]}))


@given(st.text() | st.sampled_from(FORMULAS).map("'".__add__))
def test_unguard_formula_reverses_guard_formula(text: str) -> None:
    assert unguard_formula(guard_formula(text)) == text
