"""Calls as public bug reports tell of them, from the attributes on the wire to the price."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from controlsurface.ingest.batch import Loader
from controlsurface.money.book import Book
from controlsurface.money.prices import resolve
from tests.ingest.loading import CONFIG, CONVENTIONS, Loaded
from tests.ingest.spans import S, body

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("public").joinpath("cases.toml").read_text())[
    "case"
]


@pytest.fixture(scope="module")
def calls() -> list[dict[str, Any]]:
    """The stored call of each case, in order."""
    loaded = Loaded()
    loaded.loader = Loader(CONVENTIONS, CONFIG, lambda keys: resolve(set(keys), Book()))
    spans = [S(1, attributes=case["attributes"], trace=number, kind=3) for number, case in enumerate(CASES, 1)]
    loaded.load([("traces", body(*spans))])
    return sorted(loaded.rows("attempts"), key=lambda row: str(row["trace_id"]))


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_a_reported_call_costs_what_its_provider_bills_or_says_what_is_missing(
    number: int, calls: list[dict[str, Any]]
) -> None:
    case, call = CASES[number], calls[number]
    cost = Decimal(case["cost"]) if "cost" in case else None
    said = (call["cost_usd"], call["unpriced_parts"], call["provider_assumed"])
    assert said == (cost, case.get("unpriced"), case.get("assumed")), case["source"]
