"""Which columns a FOCUS dataset of ours has, by version of the specification, and the metadata that describes them."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import pyarrow as pa

from controlsurface import __version__

FocusVersion = Literal["1.2", "1.4"]
FOCUS_VERSIONS: tuple[FocusVersion, ...] = get_args(FocusVersion)

_DECIMAL, _TEXT, _TIME, _JSON = "Decimal", "String", "Date/Time", "JSON"
_SHARED: dict[str, str] = {
    "BilledCost": _DECIMAL,
    "BillingAccountId": _TEXT,
    "BillingAccountName": _TEXT,
    "BillingCurrency": _TEXT,
    "BillingPeriodEnd": _TIME,
    "BillingPeriodStart": _TIME,
    "ChargeCategory": _TEXT,
    "ChargeClass": _TEXT,
    "ChargeDescription": _TEXT,
    "ChargeFrequency": _TEXT,
    "ChargePeriodEnd": _TIME,
    "ChargePeriodStart": _TIME,
    "ConsumedQuantity": _DECIMAL,
    "ConsumedUnit": _TEXT,
    "ContractedCost": _DECIMAL,
    "EffectiveCost": _DECIMAL,
    "InvoiceIssuerName": _TEXT,
    "ListCost": _DECIMAL,
    "PricingQuantity": _DECIMAL,
    "PricingUnit": _TEXT,
    "ServiceCategory": _TEXT,
    "ServiceName": _TEXT,
    "ServiceSubcategory": _TEXT,
    "SkuId": _TEXT,
    "SkuMeter": _TEXT,
    "SkuPriceDetails": _JSON,
    "SkuPriceId": _TEXT,
    "Tags": _JSON,
}
# 1.3 deprecated ProviderName and PublisherName, and 1.4 has them no more.
_OF_VERSION: Mapping[FocusVersion, dict[str, str]] = {
    "1.2": {"ProviderName": _TEXT, "PublisherName": _TEXT},
    "1.4": {"HostProviderName": _TEXT, "ServiceProviderName": _TEXT},
}
# The model and token properties are those that 1.5 is to define for SkuPriceDetails; until then they are custom.
CUSTOM_COLUMNS = (
    *("x_CostSource", "x_Environment", "x_Escalated", "x_Estimate", "x_Job", "x_Lane", "x_ModelDeveloper"),
    *("x_ModelFamily", "x_ModelId", "x_ModelVersion", "x_Purpose", "x_Router", "x_RouterVersion", "x_Service"),
    *("x_TaskType", "x_Team", "x_Tenant", "x_TokenCacheAction", "x_TokenDirection", "x_UnpricedParts"),
)
# What only who sells the tokens could meet; the manifest says so beside every file.
NOT_MET = (
    (
        "BilledCost: the charges are estimates from telemetry, in no invoice, and so match none; "
        "they must not be added to the provider's own bill"
    ),
    "SkuId, SkuPriceId: made of provider, model, meter, tier and mode; the provider's price list has others",
    "ListUnitPrice, ContractedUnitPrice: left out, because calls of one row may have been priced differently",
    "cache writes: metered with Input Tokens, because their cost is not kept apart",
)


def focus_schema(version: FocusVersion) -> pa.Schema:
    """The columns of a version in alphabetical order, the custom ones after them; decimals with all digits."""
    named = sorted((_SHARED | _OF_VERSION[version]).items())
    kinds: dict[str, pa.DataType] = {
        _DECIMAL: pa.decimal128(38, 18),
        _TEXT: pa.string(),
        _TIME: pa.timestamp("us", "UTC"),
        _JSON: pa.string(),
    }
    return pa.schema([(name, kinds[kind]) for name, kind in named] + [(name, pa.string()) for name in CUSTOM_COLUMNS])


def focus_metadata(version: FocusVersion) -> dict[str, Any]:
    """The metadata of the specification (Schema, Data Generator); the same for the same version of this package."""
    defined = _SHARED | _OF_VERSION[version] | dict.fromkeys(CUSTOM_COLUMNS, _TEXT)
    return {
        "DataGenerator": {"DataGenerator": "Control Surface"},
        "Schema": {
            "SchemaId": f"controlsurface-focus-{version}",
            "FocusVersion": version,
            "DataGeneratorVersion": __version__,
            "ColumnDefinition": [
                {"ColumnName": name, "DataType": kind} | ({"StringEncoding": "UTF-8"} if kind == _TEXT else {})
                for name, kind in ((name, defined[name]) for name in focus_schema(version).names)
            ],
        },
    }
