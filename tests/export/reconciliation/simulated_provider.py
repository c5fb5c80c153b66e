"""A provider that knows what it sold: calls at prices of its own, the bill of them, and spans that lost something.

Nothing here is the product's: the bill is summed call by call with the prices below.
"""

import json
import random
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

FIRST_DAY = date(2026, 1, 5)
INPUT, CACHED, OUTPUT = (Decimal(price) / 10**6 for price in ("3", "0.3", "15"))


@dataclass(frozen=True)
class Sold:
    """A call as the provider meters it."""

    at: datetime
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    factor: Decimal = Decimal(1)
    tier: str | None = None
    region: str | None = None

    @property
    def usd(self) -> Decimal:
        fresh = self.input_tokens - self.cached_tokens
        return (fresh * INPUT + self.cached_tokens * CACHED + self.output_tokens * OUTPUT) * self.factor


def sell(model: str, day: int, count: int = 20, **more: Any) -> list[Sold]:
    """Calls of a model on a day, the same for the same arguments; twelve hours of it, so that none is near midnight."""
    dice = random.Random(f"{model} {day}")
    noon = datetime(2026, 1, 5, 6, tzinfo=UTC) + timedelta(days=day)
    return [
        Sold(
            noon + timedelta(minutes=30 * n), model, 2_000 + dice.randrange(500), 800, 300 + dice.randrange(99), **more
        )
        for n in range(count)
    ]


def span_of(sold: Sold, provider: str | None = "acme ai", **lost: Any) -> dict[str, Any]:
    """The call as a row of ours, priced like the provider does but for tier and region; `lost` is what spans lost."""
    plain = replace(sold, factor=Decimal(1))
    return {
        "started_at": sold.at,
        "provider": provider,
        "model": sold.model,
        "model_raw": sold.model,
        "input_tokens": sold.input_tokens,
        "cached_tokens": sold.cached_tokens,
        "output_tokens": sold.output_tokens,
        "cost_usd": plain.usd,
        "streamed": False,
        "service_tier": None,
        **lost,
    }


def by_line(sold: list[Sold]) -> dict[tuple[Any, ...], list[Sold]]:
    """Calls as lines of a bill: by day, model, tier and region."""
    lines = defaultdict(list)
    for call in sold:
        lines[call.at.date(), call.model, call.tier, call.region].append(call)
    return dict(lines)


def billed(sold: list[Sold], day: int, model: str) -> Decimal:
    return sum((s.usd for s in sold if s.model == model and s.at.date() == FIRST_DAY + timedelta(days=day)), Decimal(0))


def as_csv_bill(sold: list[Sold], *extra: str) -> bytes:
    """`date,model,tier,region,input,cached,output,kind,amount`."""
    rows = ["date,model,tier,region,input,cached,output,kind,amount"]
    for (day, model, tier, region), calls in by_line(sold).items():
        counts = [sum(getattr(c, name) for c in calls) for name in ("input_tokens", "cached_tokens", "output_tokens")]
        usd = sum(c.usd for c in calls)
        rows.append(f"{day},{model},{tier or ''},{region or ''},{','.join(map(str, counts))},usage,{usd}")
    return "\n".join([*rows, *extra, ""]).encode()


MAPPING = """
provider = "Acme AI"
day = "date"
amount = "amount"
model = "model"
kind = "kind"
credit = ["credit"]
tax = ["vat"]
service_tier = "tier"
region = "region"
input_tokens = "input"
cached_tokens = "cached"
output_tokens = "output"
"""


def as_openai_bill(sold: list[Sold]) -> bytes:
    """A page of `organization/costs`: a line item for each kind of tokens."""
    buckets: dict[date, list[Any]] = defaultdict(list)
    for (day, model, _, _), calls in by_line(sold).items():
        fresh = sum((c.input_tokens - c.cached_tokens) * INPUT for c in calls)
        parts = {"input": fresh, "cached input": sum(c.cached_tokens * CACHED for c in calls)}
        parts["output"] = sum(c.output_tokens * OUTPUT for c in calls)
        for name, usd in parts.items():
            amount = {"value": float(usd), "currency": "usd"}
            buckets[day].append(
                {"object": "organization.costs.result", "amount": amount, "line_item": f"{model}, {name}"}
            )
    data = [
        {
            "object": "bucket",
            "start_time": int(datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp()),
            "results": rows,
        }
        for d, rows in buckets.items()
    ]
    return json.dumps({"object": "page", "data": data, "has_more": False}).encode()


def as_anthropic_bill(sold: list[Sold]) -> bytes:
    """A page of `cost_report`: amounts in cents, as texts."""
    data = [
        {
            "starting_at": f"{day}T00:00:00Z",
            "results": [
                {
                    "amount": f"{sum(c.usd for c in calls) * 100:f}",
                    "currency": "USD",
                    "model": model,
                    "cost_type": "tokens",
                    "service_tier": tier or "standard",
                    "inference_geo": region or "global",
                    "description": f"{model} usage",
                }
            ],
        }
        for (day, model, tier, region), calls in by_line(sold).items()
    ]
    return json.dumps({"data": data, "has_more": False, "next_page": None}).encode()


def as_focus_bill(sold: list[Sold]) -> bytes:
    """A cloud's FOCUS export, with a line about something else."""
    rows = [
        "BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ServiceProviderName,ServiceCategory,SkuPriceDetails"
    ]
    rows.append("7.5,USD,Usage,2026-01-05T00:00:00Z,AWS,Compute,")
    for (day, model, _, _), calls in by_line(sold).items():
        details = json.dumps({"ModelId": model}).replace('"', '""')
        usd = sum(c.usd for c in calls)
        rows.append(f'{usd},USD,Usage,{day}T00:00:00Z,AWS,AI and Machine Learning,"{details}"')
    return "\n".join([*rows, ""]).encode()
