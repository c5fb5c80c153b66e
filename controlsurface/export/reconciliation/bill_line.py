"""A line of a provider's bill, whatever file it came in, and the names that bills and calls are matched by."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal

from controlsurface.errors import BadBody
from controlsurface.money.provider_names import find_seller

LineKind = Literal["usage", "credit", "tax", "other"]
BillForm = Literal["openai", "anthropic", "focus", "csv"]


@dataclass(frozen=True, slots=True)
class BillLine:
    """What was charged for a day. Tokens are None where the bill counts none; input has the cached ones in it."""

    day: date
    provider: str
    amount_usd: Decimal
    model: str | None = None
    kind: LineKind = "usage"
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    service_tier: str | None = None
    region: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """A file's lines, and how many of its lines are about something else."""

    file: str
    form: BillForm
    lines: tuple[BillLine, ...]
    skipped: int = 0
    warnings: tuple[str, ...] = ()


def provider_key(name: str | None) -> str | None:
    """One name for a provider, however it is written; None where no seller is named.

    >>> [provider_key(name) for name in ("Anthropic", "openai_responses", "litellm_proxy", "Acme AI")]
    ['anthropic', 'openai', None, 'acme ai']
    """
    seller = find_seller(name)
    if seller.list is not None:
        return seller.list.id
    return (name or "").strip().lower() or None if seller.kind in {"unknown", "own"} else None


def parse_amount(text: str, decimal_mark: str = ".") -> Decimal:
    """A sum of money as people and programs write it. Raises ValueError for what could be read in two ways.

    >>> parse_amount("$1,234.56"), parse_amount("(987.65)"), parse_amount("4 709,5 €", ","), parse_amount("3.5e-7")
    (Decimal('1234.56'), Decimal('-987.65'), Decimal('4709.5'), Decimal('3.5E-7'))
    """
    bare = text.strip()
    negative = bare.startswith("(") and bare.endswith(")")
    bare = bare.strip("()").translate(dict.fromkeys(map(ord, "$€£ \u00a0\u202f'"))).removesuffix("USD")
    grouping = "," if decimal_mark == "." else "."
    whole, mark, rest = bare.partition(decimal_mark)
    groups = whole.lstrip("+-\u2212").split(grouping)
    if grouping in rest or (len(groups) > 1 and any(len(group) != 3 for group in groups[1:])):
        raise ValueError(f"'{text[:60]}' is not a sum with '{decimal_mark}' before its decimals")
    plain = whole.replace(grouping, "").replace("\u2212", "-") + ("." + rest if mark else "")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        raise ValueError(f"'{text[:60]}' is not a sum of money") from None
    if not value.is_finite():
        raise ValueError(f"'{text[:60]}' is not a sum of money")
    return -value if negative else value


def require_usd(currency: str | None, where: str) -> None:
    """Refuse other money: what it was worth that day nobody here knows. Raises BadBody."""
    if currency and currency.strip().upper() != "USD":
        raise BadBody(f"{where}: amounts are in {currency.strip().upper()}; a mapping can say usd_per_unit")


def merge_lines(lines: Iterable[BillLine]) -> tuple[BillLine, ...]:
    """Lines of the same day, model, kind, tier and region as one; sums of what is known. In an order of their own."""
    merged: dict[tuple[object, ...], BillLine] = {}
    for line in lines:
        key = (line.day, line.provider, line.model, line.kind, line.service_tier, line.region)
        merged[key] = _added(merged[key], line) if key in merged else line
    return tuple(merged[key] for key in sorted(merged, key=str))


def _added(one: BillLine, other: BillLine) -> BillLine:
    return replace(
        one,
        amount_usd=one.amount_usd + other.amount_usd,
        input_tokens=_sum(one.input_tokens, other.input_tokens),
        cached_tokens=_sum(one.cached_tokens, other.cached_tokens),
        output_tokens=_sum(one.output_tokens, other.output_tokens),
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else one + other
