"""Figures of articles that the documentation works out: from their own numbers, by the product's pricing."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from controlsurface.money.break_even import break_even_requests
from controlsurface.money.price_book import PriceBook, PriceEntry
from controlsurface.money.price_edition import PriceEdition
from controlsurface.money.price_estimate import estimate_costs
from tests.project import tree

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def cost(input_tokens: int, output_tokens: int, prices: tuple[str, str]) -> Decimal:
    """USD of a call at prices in USD per million input and output tokens."""
    book = PriceBook(price=[PriceEntry(model="m", input=Decimal(prices[0]), output=Decimal(prices[1]))])
    call = pl.DataFrame({"model": ["m"], "input_tokens": [input_tokens], "output_tokens": [output_tokens]})
    found: Decimal = estimate_costs(call, PriceEdition(book), NOON)[0]
    return found


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """What the documentation says, by the words that each point begins with."""
    text = (tree.ROOT / "docs" / "figures.md").read_text("utf-8")
    part = text.split("## Published figures, worked out")[1].split("\n## ")[0]
    return {m[1]: m[2] for m in re.finditer(r"^- \*\*(.+?)\.?\*\*:? (.+)$", part, re.MULTILINE)}


def test_a_month_of_input_is_1350_dollars(said: dict[str, str]) -> None:
    day = 50_000 * cost(300, 0, ("3", "0"))
    assert (day, 30 * day) == (Decimal(45), Decimal(1350))
    assert "45 USD a day and 1,350 USD in 30 days" in said["A month of input"]


def test_routellms_saving_is_7_02_against_one_baseline_and_3_48_against_the_other(said: dict[str, str]) -> None:
    strong, weak = (cost(1_000_000, 0, (price, "0")) for price in ("24.7", "0.24"))
    routed, random = (share * strong + (1 - share) * weak for share in (Decimal("0.1340"), Decimal("0.4903")))
    text = said["A saving needs its baseline"]
    assert f"{Decimal('49.03') / Decimal('13.40'):.2f} times fewer strong calls" in text
    assert f"{routed:.2f} USD per million: {strong / routed:.2f} times less" in text
    assert f"and {random / routed:.2f} times less" in text
    assert "3.66" in text
    assert "7.02" in text


def test_a_classifier_breaks_even_at_10000_requests_a_month(said: dict[str, str]) -> None:
    small, large = (cost(1_000, 0, (price, "0")) for price in ("0.1", "10.5"))
    saved = float(large - small) / 2
    volume, of_a_server = (break_even_requests(fixed, saved, 0.0002) for fixed in (50, 500))
    text = said["A classifier pays from a volume on"]
    assert f'"From {volume:,.0f} requests a month"' in text
    assert f"save {large - small:.4f} USD each" in text
    assert f"it is {of_a_server:,.0f}, and" in text
    assert break_even_requests(50, 0.0002, 0.0002) is None


def test_twelve_calls_cost_twelve_times_one(said: dict[str, str]) -> None:
    chain = cost(5_700, 2_000, ("10", "30"))
    one = chain / 12
    assert f"{chain:.2f} USD at 10 and 30" in said["A chain pays for every step"]
    assert f"is {one:.2f} USD" in said["A chain pays for every step"]


def test_ten_steps_of_97_percent_are_74_percent(said: dict[str, str]) -> None:
    assert f"in {100 * 0.97**10:.0f} % (0.97^10)" in said["A chain fails at every step"]
