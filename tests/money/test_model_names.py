"""Names of providers and models: what they mean, and what nobody can tell from them."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import data_snapshot
from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice, Provider

from controlsurface.money import model_names, provider_names
from controlsurface.money.model_names import find_listed_model
from controlsurface.money.price_rate import service_tier_of
from controlsurface.money.provider_names import find_seller
from controlsurface.store.duckdb import DuckStore
from tests.money.test_list_prices import PROVIDERS, reference

TABLE = tomllib.loads(Path(provider_names.__file__).with_name("provider_names.toml").read_text())
# OpenTelemetry's registry of gen_ai.provider.name (semantic-conventions-genai) and of gen_ai.system before it.
WELL_KNOWN = {
    "anthropic": "anthropic",
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "az.ai.openai": "azure",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "groq": "groq",
    "ibm.watsonx.ai": None,
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "openai": "openai",
    "perplexity": "perplexity",
    "x_ai": "x-ai",
}
# LiteLLM's custom_llm_provider, the Vercel AI SDK's provider ids, OpenInference's llm.provider and llm.system.
OTHERS = {
    "azure_ai": "azure",
    "bedrock_converse": "aws",
    "vertex_ai_beta": "google",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "amazon-bedrock": "aws",
    "google.generative-ai": "google",
    "google.vertex.chat": "google",
    "openai.chat": "openai",
    "openai.responses": "openai",
    "openai.embedding": "openai",
    "anthropic.messages": "anthropic",
    "groq.chat": "groq",
    "xai.chat": "x-ai",
    "mistral.chat": "mistral",
    "openrouter.chat": "openrouter",
    "mistralai": "mistral",
    "vertexai": "google",
    "OpenAI": "openai",
    " Anthropic ": "anthropic",
}


@pytest.mark.parametrize("name", [*WELL_KNOWN, *OTHERS])
def test_a_providers_name_means_its_price_list(name: str) -> None:
    meant = find_seller(name).list
    assert (meant.id if meant else None) == (WELL_KNOWN | OTHERS)[name]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("strands-agents", "through"),
        ("spring_ai", "through"),
        ("litellm_proxy", "through"),
        ("gateway", "through"),
        ("gcp.vertex.agent", "through"),
        (None, "through"),
        ("vllm", "own"),
        ("ollama.chat", "own"),
        ("acme", "unknown"),
        ("acme.chat", "unknown"),
        ("our-openai-gateway", "resembles"),
    ],
)
def test_a_provider_name_may_say_through_what_or_on_what_a_model_was_called(name: str | None, kind: str) -> None:
    assert find_seller(name).kind == kind


def test_every_line_of_the_provider_table_is_about_an_existing_list() -> None:
    lists = {each.id for each in PROVIDERS}
    assert {*TABLE["lists"], *TABLE["images_as_text"]["lists"]} <= lists
    names = [name for names in TABLE["lists"].values() for name in names]
    names += TABLE["through"]["names"] + TABLE["own_hardware"]["names"]
    assert len({provider_names._spelled(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("provider", "model", "sold"),
    [
        ("strands-agents", "us.anthropic.claude-sonnet-4-20250514-v1:0", "aws"),
        ("langchain", "gpt-4o-mini", "openai"),
        ("acme", "mistral-large-latest", "mistral"),
        ("vercel", "anthropic/claude-sonnet-4", "anthropic"),
        ("litellm_proxy", "litellm_proxy/azure/gpt-4o", "azure"),
        (None, "gemini-2.5-pro", "google"),
        ("our-openai-gateway", "gpt-5-mini", "openai"),
    ],
)
def test_an_unknown_seller_is_assumed_where_the_model_tells(provider: str | None, model: str, sold: str) -> None:
    found = find_listed_model(provider, model)
    assert found is not None
    assert (found.provider.id, found.assumed) == (sold, True)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        (None, "openai/gpt-4o-mini"),
        ("openai", "gpt-4o-mini"),
        ("x_ai", "grok-4"),
        ("azure_ai", "azure_ai/gpt-4o-mini"),
    ],
)
def test_a_seller_that_is_named_is_not_assumed(provider: str | None, model: str) -> None:
    found = find_listed_model(provider, model)
    assert found is not None
    assert not found.assumed


@pytest.mark.parametrize("provider", [None, "openai", "azure", "acme", "langchain", "aws.bedrock", "google", "minimax"])
@pytest.mark.parametrize(
    "model", ["my-gpt4o-prod", "zz-none", "slm-7b", "my-o4-mini", "my-claude-sonnet-4-5", "o", "-"]
)
def test_a_made_up_model_has_no_price(provider: str | None, model: str) -> None:
    assert find_listed_model(provider, model) is None


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("vllm", "gpt-4o-mini"),
        ("hosted_vllm", "gpt-oss-120b"),
        (None, "ollama/gpt-oss:20b"),
        ("litellm", "hosted_vllm/mistral-large-latest"),
        ("openrouter", "deepseek/deepseek-r1:free"),
        (None, "deepseek-r1:free"),
    ],
)
def test_a_model_on_own_hardware_or_for_free_has_no_list_price(provider: str | None, model: str) -> None:
    assert find_listed_model(provider, model) is None


def test_lists_that_differ_leave_a_model_of_an_unknown_seller_without_a_price() -> None:
    assert find_listed_model("acme", "llama-3.3-70b-instruct") is None
    assert find_listed_model("acme", "qwen3-32b") is None


def test_a_model_alone_is_priced_where_all_lists_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    dear, cheap = (listing("two", price) for price in ("2", "1"))
    with only(monkeypatch, listing("one", "1"), cheap):
        found = find_listed_model("acme", "m-1")
        assert found is not None
        assert found.assumed
    with only(monkeypatch, listing("one", "1"), dear):
        assert find_listed_model("acme", "m-1") is None


@pytest.mark.parametrize(
    ("provider", "model", "region"),
    [
        ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", None),
        ("aws.bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", None),
        ("aws.bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0", None),
        ("aws.bedrock", "eu.amazon.nova-pro-v1:0", "eu"),
        ("aws.bedrock", "us.amazon.nova-pro-v1:0", None),
        ("bedrock", "bedrock/eu-central-1/anthropic.claude-sonnet-4-5-20250929-v1:0", None),
        (None, "bedrock/us-gov-west-1/anthropic.claude-3-haiku-20240307-v1:0", "us-gov-west-1"),
        ("bedrock", "us-gov-west-1/anthropic.claude-3-haiku-20240307-v1:0", "us-gov-west-1"),
        ("aws.bedrock", "arn:aws:bedrock:eu-west-1:1:foundation-model/amazon.nova-pro-v1:0", "eu-west-1"),
        (None, "azure/eu/gpt-4o", "eu"),
        ("azure", "azure/us/gpt-4o-2024-08-06", "us"),
        ("azure", "azure/global-standard/gpt-4o-2024-08-06", None),
        ("openai", "eu/gpt-4o", "eu"),
        ("anthropic", "us/claude-opus-4-6", "us"),
        ("vertex_ai", "vertex_ai/gemini-2.5-flash", None),
        ("gcp.vertex_ai", "projects/p/locations/europe-west1/publishers/google/models/gemini-2.5-pro", "europe-west1"),
    ],
)
def test_a_region_is_part_of_the_price_or_named_as_missing(
    provider: str | None, model: str, region: str | None
) -> None:
    found = find_listed_model(provider, model)
    assert found is not None
    assert found.region == region


def test_regional_prices_are_dearer_where_the_list_says_so() -> None:
    names = ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0")
    everywhere, europe = (find_listed_model("aws.bedrock", name) for name in names)
    assert everywhere is not None
    assert europe is not None
    assert (everywhere.model.prices, everywhere.own, europe.own) != (europe.model.prices, True, True)


def test_every_name_of_the_lists_still_means_its_model() -> None:
    lost = [
        (provider.id, model.id)
        for provider in PROVIDERS
        for model in provider.models
        if (name := reference(provider, model)) and not name.endswith(":free") and not is_it(provider, model, name)
    ]
    assert lost == []


def is_it(provider: Provider, model: ModelInfo, name: str) -> bool:
    found = find_listed_model(provider.id, name)
    return found is not None and found.model is model


@pytest.mark.parametrize(
    ("word", "tier"),
    [
        ("flex", "flex"),
        ("ON_DEMAND_FLEX", "flex"),
        ("SERVICE_TIER_PRIORITY", "priority"),
        ("scale", "scale"),
        ("provisioned-throughput", "provisioned_throughput"),
        *((word, None) for word in ("default", "standard", "AUTO", "ON_DEMAND", "standard_only", "batch", "", None)),
    ],
)
def test_a_word_for_a_service_tier_means_the_same_in_sql(store: DuckStore, word: str | None, tier: str | None) -> None:
    assert service_tier_of(word) == tier
    assert store.state("SELECT service_tier_of(?) AS tier", [word]).to_pylist() == [{"tier": tier}]


class only:  # noqa: N801 -- a context
    """The lists that there are, for as long as the context lasts."""

    def __init__(self, patch: pytest.MonkeyPatch, *providers: Provider) -> None:
        self.patch, self.providers = patch, [*providers]

    def __enter__(self) -> None:
        snapshot = data_snapshot.DataSnapshot(providers=self.providers, from_auto_update=False)
        self.patch.setattr(data_snapshot, "_custom_snapshot", snapshot)
        self.forget()

    def __exit__(self, *_: object) -> None:
        self.patch.setattr(data_snapshot, "_custom_snapshot", None)
        self.forget()

    def forget(self) -> None:
        model_names._by_last_part.cache_clear()
        provider_names._table.cache_clear()


def listing(name: str, price: str) -> Provider:
    """A list with one model."""
    model = ModelInfo("m-1", ClauseEquals("m-1"), prices=ModelPrice(input_mtok=Decimal(price), output_mtok=Decimal(1)))
    return Provider(name, name, "none", models=[model])
