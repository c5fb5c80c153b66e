"""The price table: its columns, and the names under which models are found."""

import pytest

from controlsurface.money.price_book import PriceBook
from controlsurface.money.price_table import PRICE_SCHEMA, resolve_prices
from controlsurface.store.duckdb import DuckStore


def test_resolved_rows_have_the_columns_of_the_table(store: DuckStore) -> None:
    assert set(store.state("FROM prices").column_names) == set(PRICE_SCHEMA.names)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-mini"),
        (None, "gpt-4o-mini-2024-07-18"),
        (None, "openai/gpt-4o-mini"),
        ("openai", "openai/gpt-4o-mini"),
        ("litellm", "anthropic/claude-sonnet-4-5"),
        ("azure.ai.openai", "gpt-4o"),
        ("aws.bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ("gcp.vertex_ai", "gemini-2.5-flash"),
        ("mistral_ai", "mistral-small-latest"),
        ("x_ai", "grok-4"),
    ],
)
def test_a_model_is_found_as_clients_name_it(provider: str | None, model: str) -> None:
    assert resolve_prices([(provider, model)], PriceBook()).num_rows


@pytest.mark.parametrize(
    "pair", [("vllm", "gpt-4o-mini"), ("openai", "slm-7b"), (None, "slm-7b"), (None, None), ("", "")]
)
def test_a_model_of_ones_own_gets_no_price_by_resemblance(pair: tuple[str | None, str | None]) -> None:
    assert resolve_prices([pair], PriceBook()).num_rows == 0


def test_a_model_named_twice_is_resolved_once() -> None:
    pair = ("openai", "gpt-4o-mini")
    assert resolve_prices([pair, pair], PriceBook()).equals(resolve_prices([pair], PriceBook()))
