"""Rules of the FOCUS specification for the dataset Cost and Usage, as code, from the column pages of 1.2 and 1.4.

Only rules that rows alone can show: presence, types and formats, nulls, allowed values, and sums between columns.
"""

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

MANDATORY = (
    "BilledCost BillingAccountId BillingAccountName BillingCurrency BillingPeriodEnd BillingPeriodStart ChargeCategory "
    "ChargeClass ChargeDescription ChargePeriodEnd ChargePeriodStart ContractedCost EffectiveCost InvoiceIssuerName "
    "ListCost PricingQuantity PricingUnit ServiceCategory ServiceName"
).split()
MANDATORY_OF = {"1.2": ["ProviderName", "PublisherName"], "1.4": ["HostProviderName", "ServiceProviderName"]}
GONE = {"1.2": [], "1.4": ["ProviderName", "PublisherName"]}  # deprecated in 1.3, removed in 1.4
DECIMALS = "BilledCost ContractedCost EffectiveCost ListCost PricingQuantity ConsumedQuantity".split()
TIMES = "BillingPeriodEnd BillingPeriodStart ChargePeriodEnd ChargePeriodStart".split()
KEY_VALUES = ["SkuPriceDetails", "Tags"]
MAY_BE_NULL = {"BillingAccountName", "ChargeClass", "ChargeDescription", "Tags", "SkuPriceDetails"}
ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"", "Correction"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "ServiceSubcategory": {
        *("AI Platforms", "Bots", "Generative AI", "Machine Learning", "Natural Language Processing"),
        "Other (AI and Machine Learning)",
    },
    "ServiceCategory": {"AI and Machine Learning"},
}
_NUMBER = re.compile(r"-?\d+(\.\d+)?(E-?\d+)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_UNIT = re.compile(r"(\d+ )?(Tokens|Requests)")

Row = Mapping[str, str]


def broken_rules(columns: list[str], rows: Iterable[Row], version: str) -> list[str]:
    """Each rule that the dataset breaks, once, with the first value that does."""
    found = [f"{name} MUST be present" for name in [*MANDATORY, *MANDATORY_OF[version]] if name not in columns]
    found += [f"{name} is in no {version}" for name in GONE[version] if name in columns]
    custom = [name.startswith("x_") for name in columns]
    found += [] if custom == sorted(custom) else ["custom columns SHOULD come after those of FOCUS"]
    found += [f"{name}: MUST be Pascal case" for name in columns if not re.fullmatch(r"(x_)?[A-Z][A-Za-z]*", name)]
    broken = dict.fromkeys(rule for row in rows for rule in _of_row(row))
    return [*found, *broken]


def _of_row(row: Row) -> Iterable[str]:
    focus = [name for name in row if not name.startswith("x_")]
    yield from (f"{name} MUST NOT be null" for name in focus if row[name] == "" and name not in MAY_BE_NULL)
    yield from (f"{name} is blank" for name in row if row[name] != "" and not row[name].strip())
    yield from (f"{name} is no number: {row[name]}" for name in DECIMALS if not _NUMBER.fullmatch(row[name]))
    yield from (f"{name} is no time: {row[name]}" for name in TIMES if not _TIME.fullmatch(row[name]))
    yield from (f"{name}: {row[name]} is not allowed" for name, values in ALLOWED.items() if row[name] not in values)
    yield from (
        f"{name}: {row[name]} is no unit" for name in ("PricingUnit", "ConsumedUnit") if not _UNIT.fullmatch(row[name])
    )
    yield from (rule for name in KEY_VALUES if row[name] for rule in _of_object(name, row[name]))
    if not re.fullmatch("[A-Z]{3}", row["BillingCurrency"]):
        yield "BillingCurrency MUST be a code of ISO 4217"
    if not row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["ChargePeriodEnd"] <= row["BillingPeriodEnd"]:
        yield "the charge period MUST lie in the billing period"
    # without unit prices the costs of a charge that hangs on no other match the billed one
    if len({row[name] for name in ("BilledCost", "ListCost", "ContractedCost", "EffectiveCost")}) > 1:
        yield "costs without unit prices MUST match BilledCost"
    priced, consumed = row["PricingQuantity"], row["ConsumedQuantity"]
    if row["PricingUnit"] == "1000000 Tokens" and priced and Decimal(priced) * 10**6 != Decimal(consumed):
        yield "PricingQuantity MUST be ConsumedQuantity in the pricing unit"


def _of_object(name: str, text: str) -> Iterable[str]:
    values = json.loads(text)
    if not isinstance(values, dict) or any(isinstance(each, dict | list) for each in values.values()):
        yield f"{name} MUST be a flat object"
    if name == "SkuPriceDetails" and not all(key.startswith("x_") for key in values):
        yield f"{name}: keys that FOCUS does not define MUST begin with x_"
