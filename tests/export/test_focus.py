"""An export as FOCUS keeps the rules of the specification, and every file says what it is: an estimate."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from controlsurface.client import LocalClient
from controlsurface.export.focus.focus_columns import FOCUS_VERSIONS, FocusVersion
from controlsurface.export.focus.model_identity import identify_model
from controlsurface.export.weekly_cost import CostExport, FocusOptions, export_weekly_cost
from controlsurface.money.cost_attribution import AttributionArgs
from controlsurface.store.duckdb import DuckStore
from tests.export.focus_rules import broken_rules
from tests.seed import NOW
from tests.stores import put

LATER = NOW + timedelta(days=40)
CALL: dict[str, Any] = {
    "started_at": datetime(2026, 1, 6, 9, tzinfo=UTC),
    "provider": "anthropic",
    "model": "claude-sonnet-4-5",
    "model_raw": "claude-sonnet-4-5-20250929",
    "input_tokens": 1000,
    "cached_tokens": 400,
    "output_tokens": 50,
    "cost_usd": Decimal("0.0027"),
    "cached_usd": Decimal("0.00012"),
    "output_usd": Decimal("0.00075"),
    "cost_source": "genai-prices",
    "team": "search",
    "tenant": "acme",
    "job": None,
    "service_tier": "flex",
}
NO_PARTS: dict[str, Any] = {"cached_usd": None, "output_usd": None, "cost_source": "span"}


@cache
def made(reader: LocalClient, version: FocusVersion = "1.4", week: str = "2026-W02") -> CostExport:
    return export_weekly_cost(reader, AttributionArgs(week=week), "focus", LATER, FocusOptions(version))


def lines(made: CostExport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(made.body.decode(), newline="")))


@pytest.fixture
def one() -> Iterator[DuckStore]:
    store = DuckStore.in_memory()
    yield store
    store.close()


def charges(store: DuckStore, *calls: dict[str, Any], version: FocusVersion = "1.4") -> dict[str, dict[str, str]]:
    """The rows of some calls by their meter."""
    put(store, [CALL | call for call in calls], "attempts")
    return {row["SkuMeter"]: row for row in lines(made(LocalClient(store), version))}


@pytest.mark.parametrize("version", FOCUS_VERSIONS)
def test_a_week_keeps_the_rules_of_the_specification(reader: LocalClient, version: FocusVersion) -> None:
    rows = lines(made(reader, version))
    assert len(rows) > 1_000
    assert broken_rules(list(rows[0]), rows, version) == []


@pytest.mark.parametrize("version", FOCUS_VERSIONS)
def test_the_rules_find_what_breaks_them(reader: LocalClient, version: FocusVersion) -> None:
    (row, *_) = lines(made(reader, version))
    spoilt = row | {"BilledCost": "1e+3", "PricingQuantity": "", "ChargeCategory": "usage", "Tags": '{"a":{}}'}
    found = broken_rules([name for name in row if name != "ListCost"], [spoilt], version)
    said = "; ".join(found)
    for part in (
        "ListCost MUST be present",
        "1e+3",
        "PricingQuantity MUST NOT",
        "usage is not",
        "flat object",
        "match",
    ):
        assert part in said


def test_a_call_is_charged_by_its_meters_and_their_cost_is_its_cost(one: DuckStore) -> None:
    found = charges(one, {})
    assert {name: (row["ConsumedQuantity"], row["EffectiveCost"]) for name, row in found.items()} == {
        "Input Tokens": ("600", "0.00183"),
        "Cache Read Input Tokens": ("400", "0.00012"),
        "Output Tokens": ("50", "0.00075"),
    }


def test_cached_tokens_are_metered_once(one: DuckStore) -> None:
    """Charged at the full rate and again at that of the cache: Osmantic/ODS, pull request 2519."""
    found = charges(one, {})
    assert sum(int(row["ConsumedQuantity"]) for name, row in found.items() if "Input" in name) == CALL["input_tokens"]


def test_a_call_that_a_span_priced_is_one_charge_without_direction(one: DuckStore) -> None:
    (row,) = charges(one, NO_PARTS).values()
    assert (row["SkuMeter"], row["ConsumedQuantity"], row["EffectiveCost"]) == ("Tokens", "1050", "0.0027")
    assert row["x_TokenDirection"] == ""


def test_a_priced_call_without_tokens_is_charged_as_a_request(one: DuckStore) -> None:
    (row,) = charges(one, NO_PARTS | dict.fromkeys(("input_tokens", "cached_tokens", "output_tokens"))).values()
    assert (row["SkuMeter"], row["PricingUnit"], row["PricingQuantity"]) == ("Requests", "Requests", "1")


def test_the_tiniest_cost_is_written_without_an_exponent(one: DuckStore) -> None:
    """`3.5e-7` is a text to spreadsheets: theopenco/llmgateway, pull request 3218."""
    (row,) = charges(one, NO_PARTS | {"cost_usd": Decimal("0.000000000035")}).values()
    assert row["BilledCost"] == "0.000000000035"


def test_a_call_without_a_price_is_no_charge_of_zero(one: DuckStore) -> None:
    assert charges(one, NO_PARTS | {"cost_usd": None, "cost_source": None}) == {}
    about = json.loads(made(LocalClient(one)).manifest)
    assert about["unpriced"] == {"attempts_without_cost": 1, "attempts_priced_in_part": 0}
    assert about["totals"]["cost_usd"] is None


def test_a_stated_price_of_zero_is_a_charge(one: DuckStore) -> None:
    found = charges(one, dict.fromkeys(("cost_usd", "cached_usd", "output_usd"), Decimal(0)))
    assert {row["EffectiveCost"] for row in found.values()} == {"0"}
    assert len(found) == 3


def test_charges_name_model_tokens_and_who_caused_them(one: DuckStore) -> None:
    """Who made the model, and which tokens were read from a cache: FOCUS_Spec, issue 2018 and pull request 2606."""
    row = charges(one, {})["Cache Read Input Tokens"]
    said = (
        "x_ModelDeveloper",
        "x_ModelFamily",
        "x_ModelVersion",
        "x_ModelId",
        "x_TokenDirection",
        "x_TokenCacheAction",
    )
    assert [row[name] for name in said] == [
        *("Anthropic", "claude-sonnet", "4.5", "claude-sonnet-4-5-20250929", "Input", "Read")
    ]
    assert json.loads(row["SkuPriceDetails"])["x_ServiceTier"] == "flex"
    assert json.loads(row["Tags"]) == {"tenant": "acme", "team": "search"}
    assert (row["PricingUnit"], row["PricingQuantity"]) == ("1000000 Tokens", "0.0004")


def test_every_charge_says_that_it_is_an_estimate_and_not_to_be_added_to_a_bill(reader: LocalClient) -> None:
    for row in lines(made(reader)):
        assert row["ChargeDescription"].endswith("estimate from telemetry; do not add to the provider's bill")
        assert row["x_Estimate"] == "true"
    assert "must not be added" in json.loads(made(reader).manifest)["focus"]["not_met"][0]


def test_a_provider_that_nobody_named_is_the_models_developer_and_counted(one: DuckStore) -> None:
    """A null PublisherName in a provider's own export: microsoft/finops-toolkit, pull request 909."""
    found = charges(one, {"provider": None}, version="1.2")
    assert {row["ProviderName"] for row in found.values()} == {"Anthropic"}
    assert json.loads(made(LocalClient(one), "1.2").manifest)["focus"]["rows_without_provider"] == 3


def test_days_of_one_week_are_under_the_billing_periods_of_their_months(one: DuckStore) -> None:
    put(
        one,
        [CALL | {"started_at": datetime(2026, month, day, tzinfo=UTC)} for month, day in ((1, 31), (2, 1))],
        "attempts",
    )
    rows = lines(made(LocalClient(one), week="2026-W05"))
    assert {(row["ChargePeriodStart"][:10], row["BillingPeriodStart"][:10]) for row in rows} == {
        ("2026-01-31", "2026-01-01"),
        ("2026-02-01", "2026-02-01"),
    }


def test_a_restated_week_is_the_next_revision_of_its_charges_too(one: DuckStore) -> None:
    charges(one, {})
    put(one, [CALL], "attempts")
    again = export_weekly_cost(LocalClient(one), AttributionArgs(week="2026-W02"), "focus", LATER + timedelta(days=1))
    about = json.loads(again.manifest)
    assert (about["revision"], about["restates"]["differences"]["cost_usd"]) == (2, "0.0027")


def test_a_price_id_has_one_set_of_details(reader: LocalClient) -> None:
    found: dict[str, set[str]] = {}
    for row in lines(made(reader)):
        found.setdefault(row["SkuPriceId"], set()).add(row["SkuPriceDetails"])
    assert {len(details) for details in found.values()} == {1}


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("claude-3-5-sonnet", ("Anthropic", "claude", "3.5")),
        ("gpt-4.1-mini", ("OpenAI", "gpt", "4.1")),
        ("o3-mini", ("OpenAI", "o", "3")),
        ("gemini-2.5-flash", ("Google", "gemini", "2.5")),
        ("meta/llama-3.1-8b-instruct", ("Meta", "llama", "3.1")),
        ("house-model-7", (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_a_models_identity_is_what_its_name_says(name: str | None, identity: tuple[str | None, ...]) -> None:
    assert identify_model(name) == identity
