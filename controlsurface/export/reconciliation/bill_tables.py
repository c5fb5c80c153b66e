"""Bills that are tables: FOCUS exports of clouds and providers, and any CSV by a mapping in TOML."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import orjson
from pydantic import Field, ValidationError

from controlsurface.config.section import ConfigSection
from controlsurface.errors import BadBody, ConfigError
from controlsurface.explanations import explain
from controlsurface.export.reconciliation.bill_line import BillLine, LineKind, parse_amount, require_usd

AI_CATEGORY = "AI and Machine Learning"
_FOCUS_KINDS: Mapping[str, LineKind] = {"Usage": "usage", "Purchase": "other", "Credit": "credit", "Tax": "tax"}
_CACHED = re.compile("cache", re.IGNORECASE)
_OUTPUT = re.compile("output|completion", re.IGNORECASE)

TableRow = Mapping[str, str | None]


class BillMapping(ConfigSection):
    """Which columns of a CSV say what."""

    day: str = Field(description="column of the day, or of a time in it")
    amount: str = Field(description="column of the amount")
    provider: str = Field("", description="the provider's name, of all lines")
    provider_column: str = Field("", description="column of the provider's name")
    model: str = Field("", description="column of the model")
    kind: str = Field("", description="column that says what kind of line it is")
    credit: tuple[str, ...] = Field((), description="values of `kind` that are credits")
    tax: tuple[str, ...] = Field((), description="values of `kind` that are taxes")
    other: tuple[str, ...] = Field((), description="values of `kind` that are charges for other things than tokens")
    input_tokens: str = Field("", description="column of input tokens, cached ones included")
    cached_tokens: str = Field("", description="column of input tokens from the provider's cache")
    output_tokens: str = Field("", description="column of output tokens")
    service_tier: str = Field("", description="column of the service tier")
    region: str = Field("", description="column of the region")
    currency: str = Field("", description="column of the currency; other money than USD needs usd_per_unit")
    unit: Literal["usd", "cents"] = Field("usd", description="what an amount is in")
    usd_per_unit: Decimal | None = Field(None, gt=0, description="US dollars for one unit of the bill's money")
    decimal_mark: Literal[".", ","] = Field(".", description="what stands before decimals")
    date_format: str = Field("", description="as in strptime, where days are not written 2026-11-16")


def parse_mapping(text: str, name: str) -> BillMapping:
    """A mapping from TOML. Raises ConfigError naming every problem."""
    try:
        found = BillMapping.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(f"{name}: {problem}") from None
    except ValidationError as problem:
        raise ConfigError("\n".join(f"{name}: {each}" for each in explain(problem, BillMapping))) from None
    if not (found.provider or found.provider_column):
        raise ConfigError(f"{name}: say whose bill it is, with provider or provider_column")
    return found


def read_mapped(rows: Iterable[TableRow], mapping: BillMapping, file: str) -> Iterator[BillLine]:
    """Lines of a CSV. Raises BadBody naming the line of what cannot be read."""
    for number, row in enumerate(rows, 2):
        try:
            yield _mapped(row, mapping, file)
        except KeyError as problem:
            raise BadBody(f"{file}: no column {problem}; it has {', '.join(filter(None, row))}") from None
        except ValueError as problem:
            raise BadBody(f"{file}: line {number}: {problem}") from None


def _mapped(row: TableRow, mapping: BillMapping, file: str) -> BillLine:
    if mapping.usd_per_unit is None:
        require_usd(_value(row, mapping.currency), file)
    rate = mapping.usd_per_unit or Decimal(1)
    amount = parse_amount(row[mapping.amount] or "0", mapping.decimal_mark) * rate
    kind = _value(row, mapping.kind) or ""
    return BillLine(
        _day(row[mapping.day] or "", mapping.date_format),
        _value(row, mapping.provider_column) or mapping.provider or "unknown",
        amount / 100 if mapping.unit == "cents" else amount,
        _value(row, mapping.model),
        _kind(kind, amount, mapping),
        _count(row, mapping.input_tokens, mapping),
        _count(row, mapping.cached_tokens, mapping),
        _count(row, mapping.output_tokens, mapping),
        _value(row, mapping.service_tier),
        _value(row, mapping.region),
        kind or None,
    )


def _kind(text: str, amount: Decimal, mapping: BillMapping) -> LineKind:
    named: dict[str, LineKind] = {
        **dict.fromkeys(mapping.credit, "credit"),
        **dict.fromkeys(mapping.tax, "tax"),
        **dict.fromkeys(mapping.other, "other"),
    }
    return named.get(text, "credit" if amount < 0 else "usage")


def _value(row: TableRow, column: str) -> str | None:
    """What a column says; None where no column is named or it is empty."""
    return (row[column] or "").strip() or None if column else None


def _count(row: TableRow, column: str, mapping: BillMapping) -> int | None:
    text = _value(row, column)
    return None if text is None else int(parse_amount(text, mapping.decimal_mark))


def _day(text: str, date_format: str) -> date:
    if date_format:
        return datetime.strptime(text.strip(), date_format).date()  # noqa: DTZ007 - a day as the bill cuts it
    return date.fromisoformat(text.strip()[:10])


def read_focus(rows: Iterable[TableRow], file: str) -> Iterator[BillLine | None]:
    """Lines of a FOCUS export; None for each that is about something else than models.

    Raises BadBody for our own export: an estimate held against itself would always match.
    """
    for number, row in enumerate(rows, 2):
        if row.get("x_Estimate"):
            raise BadBody(f"{file}: this is an export of estimates, such as Control Surface writes, and no bill")
        try:
            yield _focus_line(row, file)
        except (KeyError, ValueError, orjson.JSONDecodeError) as problem:
            raise BadBody(f"{file}: line {number}: {problem}") from None


def _focus_line(row: TableRow, file: str) -> BillLine | None:
    kind = _FOCUS_KINDS.get(row.get("ChargeCategory") or "Usage", "other")
    if row.get("ServiceCategory") not in {AI_CATEGORY, None} and kind not in {"credit", "tax"}:
        return None
    require_usd(row.get("BillingCurrency"), file)
    details: dict[str, Any] = orjson.loads(row.get("SkuPriceDetails") or "{}")
    provider = row.get("ServiceProviderName") or row.get("ProviderName") or row.get("InvoiceIssuerName") or "unknown"
    model = next((str(found) for name in ("ModelId", "x_ModelId", "x_Model") if (found := details.get(name))), None)
    return BillLine(
        _day(row["ChargePeriodStart"] or "", ""),
        provider,
        parse_amount(row["BilledCost"] or "0"),
        model or row.get("x_ModelId") or row.get("x_Model") or None,
        kind,
        *_focus_tokens(row, details),
        region=row.get("RegionId") or None,
        note=row.get("ChargeDescription") or row.get("SkuMeter") or None,
    )


def _focus_tokens(row: TableRow, details: Mapping[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Input, cached and output tokens of a line's meter, by what 1.5 is to say of it, else by the meter's name."""
    unit, quantity = row.get("ConsumedUnit") or "", row.get("ConsumedQuantity")
    if not quantity or not unit.lower().endswith("tokens"):
        return None, None, None
    count = int(parse_amount(quantity) * int(unit.split()[0] if unit[:1].isdigit() else 1))
    said = f"{details.get('TokenDirection') or row.get('SkuMeter') or ''}"
    if _OUTPUT.search(said):
        return None, None, count
    cached = details.get("TokenCacheAction") == "Read" or _CACHED.search(row.get("SkuMeter") or "")
    return count, count if cached else 0, None
