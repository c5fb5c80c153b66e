"""Cost reports of OpenAI and Anthropic, as their administration APIs answer: a page, a list of pages, a page a line."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from controlsurface.errors import BadBody
from controlsurface.export.reconciliation.bill_line import BillLine, LineKind, require_usd

CENT = Decimal("0.01")
UNCUT_WARNING = "the last page says that there are more (has_more): what follows is not in this bill"
# How the kinds of tokens are called behind the model in a line item of OpenAI, and in a token type of Anthropic.
_TOKEN_WORDS = ("input", "output", "cached", "training", "audio", "image", "text", "tokens", "batch", "cache")
_WHOLE_TIERS = {"standard", "default", "auto", None}
_NO_REGION = {"not_available", "global", None}


def read_openai(pages: Iterable[Mapping[str, Any]], file: str) -> Iterator[BillLine]:
    """Lines of `organization/costs`: amounts in dollars, the model within the line item."""
    for bucket in _buckets(pages):
        day = datetime.fromtimestamp(int(bucket["start_time"]), UTC).date()
        for result in bucket.get("results") or ():
            amount = result.get("amount") or {}
            require_usd(amount.get("currency"), file)
            item = result.get("line_item")
            model, kind = split_line_item(item)
            value = Decimal(str(amount.get("value") or 0))
            yield BillLine(day, "openai", value, model, "credit" if value < 0 else kind, note=item)


def split_line_item(item: str | None) -> tuple[str | None, LineKind]:
    """Model and kind of a line item; what names no tokens is no model's.

    >>> split_line_item("gpt-4o-2024-08-06, cached input"), split_line_item("web search tool calls")
    (('gpt-4o-2024-08-06', 'usage'), (None, 'other'))
    """
    if not item:
        return None, "usage"
    model, comma, words = item.rpartition(", ")
    if comma and any(word in words.lower() for word in _TOKEN_WORDS):
        return model, "usage"
    if "credit" in item.lower():
        return None, "credit"
    return (item, "usage") if " " not in item.strip() else (None, "other")


def read_anthropic(pages: Iterable[Mapping[str, Any]], file: str) -> Iterator[BillLine]:
    """Lines of `organizations/cost_report`: amounts are texts in the currency's lowest unit, cents."""
    for bucket in _buckets(pages):
        day = date.fromisoformat(str(bucket["starting_at"])[:10])
        for result in bucket.get("results") or ():
            require_usd(result.get("currency"), file)
            tier, region = result.get("service_tier"), result.get("inference_geo")
            amount = Decimal(str(result["amount"])) * CENT
            usage = result.get("cost_type") in {"tokens", None}
            yield BillLine(
                day,
                "anthropic",
                amount,
                result.get("model"),
                "credit" if amount < 0 else "usage" if usage else "other",
                service_tier=None if tier in _WHOLE_TIERS else tier,
                region=None if region in _NO_REGION else region,
                note=result.get("description") or result.get("cost_type"),
            )


REPORT_READERS: Mapping[str, Callable[[Iterable[Mapping[str, Any]], str], Iterator[BillLine]]] = {
    "openai": read_openai,
    "anthropic": read_anthropic,
}


def report_form(pages: list[Mapping[str, Any]], file: str) -> str:
    """Whose report it is. Raises BadBody where it is none that is known."""
    buckets = list(_buckets(pages))
    if buckets and all("start_time" in each for each in buckets):
        return "openai"
    if buckets and all("starting_at" in each for each in buckets):
        return "anthropic"
    raise BadBody(f"{file}: JSON, but neither OpenAI's organization/costs nor Anthropic's cost_report")


def _buckets(pages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for page in pages:
        yield from page.get("data") or ()
