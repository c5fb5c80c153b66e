"""Calls as public bug reports tell of them, from the attributes on the wire to the price."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.doctor.checks import _unpriced
from controlsurface.ingest.load.batch import BatchLoader
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.money.price_book import PriceBook
from controlsurface.money.price_edition import PriceEdition
from controlsurface.money.price_resolver import PriceResolver
from tests.ingest.loading import CONFIG, CONVENTIONS, Loaded
from tests.ingest.spans import S, body

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("public").joinpath("cases.toml").read_text())[
    "case"
]


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    """A store with the calls of all cases, each in a trace of its own."""
    loaded = Loaded()
    loaded.loader = BatchLoader(CONVENTIONS, CONFIG, PriceResolver(PriceEdition(PriceBook()), 10_000))
    with loaded.store.writing() as writing:
        loaded.loader.install(writing)
    spans = [S(1, attributes=case["attributes"], trace=number, kind=3) for number, case in enumerate(CASES, 1)]
    loaded.load([("traces", body(*spans))])
    return loaded


@pytest.fixture(scope="module")
def calls(loaded: Loaded) -> list[dict[str, Any]]:
    """The stored call of each case, in order."""
    return sorted(loaded.rows("attempts"), key=lambda row: str(row["trace_id"]))


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_a_reported_call_costs_what_its_provider_bills_or_says_what_is_missing(
    number: int, calls: list[dict[str, Any]]
) -> None:
    case, call = CASES[number], calls[number]
    cost = Decimal(case["cost"]) if "cost" in case else None
    said = (call["cost_usd"], call["unpriced_parts"], call["provider_assumed"])
    assert said == (cost, case.get("unpriced"), case.get("assumed")), case["source"]


def test_only_calls_with_a_price_for_all_that_they_have_count_as_priced(loaded: Loaded) -> None:
    whole = sum("cost" in case and "unpriced" not in case for case in CASES)
    reader = LocalClient(loaded.store)
    (share,) = reader.run(MetricQuery(MetricArgs(metric="priced_share"))).rows.to_pylist()
    (count,) = reader.run(MetricQuery(MetricArgs(metric="unpriced_attempts"))).rows.to_pylist()
    assert (share["value"], count["value"]) == (whole / len(CASES), len(CASES) - whole)
    assert loaded.one("SELECT count(*) FILTER (WHERE priced) AS n FROM requests") == {"n": whole}


def test_price_gaps_are_named_by_provider_model_and_part(loaded: Loaded) -> None:
    (finding,) = _unpriced(LocalClient(loaded.store))
    assert finding.verdict == "warn"
    assert "gpt-4o-audio-preview of openai (audio_input and audio_output)" in finding.text
    assert "deepseek-r1:free of vercel (no price)" in finding.text
