"""Charges as rows of a FOCUS dataset."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa

from controlsurface.export.focus.charge_query import CACHE_READ, CALLS, INPUT, OUTPUT
from controlsurface.export.focus.focus_columns import FocusVersion, focus_schema
from controlsurface.export.focus.model_identity import ModelIdentity, identify_model

PRICED_TOKENS = 1_000_000
DEFAULT_BILLING_ACCOUNT = "controlsurface"
UNKNOWN_PROVIDER = "Unknown"  # the specification asks for a name; how many rows have none is in the manifest
ESTIMATE_NOTE = "estimate from telemetry; do not add to the provider's bill"
TAG_NAMES = ("tenant", "team", "job", "environment", "service")

_DIRECTION = {INPUT: "Input", CACHE_READ: "Input", OUTPUT: "Output"}
_CACHE_ACTION = {CACHE_READ: "Read"}
_RATES = ("x_Mode", "x_ServiceTier")  # of a price, and so not repeated as columns
_CUSTOM_FACTS = {
    f"x_{''.join(part.title() for part in name.split('_'))}": name
    for name in (
        *("cost_source", "environment", "job", "lane", "purpose", "router", "router_version", "service"),
        *("task_type", "team", "tenant", "unpriced_parts"),
    )
}
_DAY = timedelta(days=1)

Charge = Mapping[str, Any]


def focus_table(
    days: Iterable[tuple[date, Iterable[Charge]]], version: FocusVersion, account: str = DEFAULT_BILLING_ACCOUNT
) -> pa.Table:
    """The rows of a file; `days` are the charges of each day as the query gives them."""
    schema = focus_schema(version)
    rows = [_row(day, charge, account) for day, charges in days for charge in charges]
    return pa.table([pa.array([row[each.name] for row in rows], each.type) for each in schema], schema=schema)


def _row(day: date, charge: Charge, account: str) -> dict[str, Any]:
    """All columns of any version."""
    identity, meter = identify_model(charge["model"]), charge["meter"]
    provider = charge["provider"] or identity.developer or UNKNOWN_PROVIDER
    names = ("ServiceProviderName", "HostProviderName", "InvoiceIssuerName", "ProviderName", "ServiceName")
    sku = "/".join([provider, charge["model_raw"] or "unknown model", meter])
    rates = [each for each in (charge["service_tier"], charge["mode"]) if each]
    return {
        **dict.fromkeys(names, provider),
        "PublisherName": identity.developer or provider,
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), charge["cost_usd"]),
        **dict.fromkeys(("BillingAccountId", "BillingAccountName"), account),
        "BillingCurrency": "USD",
        **_periods(day),
        **_quantities(meter, charge["quantity"]),
        "ChargeCategory": "Usage",
        "ChargeClass": None,
        "ChargeDescription": f"{charge['model_raw'] or 'unknown model'}, {meter.lower()}: {ESTIMATE_NOTE}",
        "ChargeFrequency": "Usage-Based",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceSubcategory": "Generative AI",
        "SkuId": sku,
        "SkuMeter": meter,
        "SkuPriceId": "/".join([sku, *rates]),
        "SkuPriceDetails": _json(_price_details(charge, identity)),
        "Tags": _json({name: charge[name] for name in TAG_NAMES}),
        **_custom(charge, identity),
    }


def _periods(day: date) -> dict[str, datetime]:
    """The charge's day, and the calendar month that it lies in."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    month = start.replace(day=1)
    return {
        "ChargePeriodStart": start,
        "ChargePeriodEnd": start + _DAY,
        "BillingPeriodStart": month,
        "BillingPeriodEnd": (month + 31 * _DAY).replace(day=1),
    }


def _quantities(meter: str, quantity: Decimal) -> dict[str, Any]:
    """What was consumed, and the same in the unit that prices are given for."""
    if meter == CALLS:
        units = {"ConsumedUnit": CALLS, "PricingUnit": CALLS}
        return {"ConsumedQuantity": quantity, "PricingQuantity": quantity, **units}
    units = {"ConsumedUnit": "Tokens", "PricingUnit": f"{PRICED_TOKENS} Tokens"}
    return {"ConsumedQuantity": quantity, "PricingQuantity": Decimal(quantity).scaleb(-6), **units}


def _price_details(charge: Charge, identity: ModelIdentity) -> dict[str, str | None]:
    """What is the same for all charges of a price."""
    return {
        "x_Mode": charge["mode"],
        "x_ModelDeveloper": identity.developer,
        "x_ModelFamily": identity.family,
        "x_ModelId": charge["model_raw"],
        "x_ModelVersion": identity.version,
        "x_ServiceTier": charge["service_tier"],
        "x_TokenCacheAction": _CACHE_ACTION.get(charge["meter"]),
        "x_TokenDirection": _DIRECTION.get(charge["meter"]),
    }


def _custom(charge: Charge, identity: ModelIdentity) -> dict[str, str | None]:
    escalated = charge["escalated"]
    details = _price_details(charge, identity)
    return {
        **{column: charge[name] for column, name in _CUSTOM_FACTS.items()},
        **{name: details[name] for name in details if name not in _RATES},
        "x_Estimate": "true",
        "x_Escalated": None if escalated is None else str(escalated).lower(),
    }


def _json(values: Mapping[str, str | None]) -> str | None:
    """A flat object of what is known; null where nothing is."""
    known = {name: value for name, value in values.items() if value is not None}
    return orjson.dumps(known).decode() if known else None
