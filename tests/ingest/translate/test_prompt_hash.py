"""A call has the hash of its prompt: as it was sent, else of a prompt that is kept whole, and of no other."""

from typing import Any

import pytest

from controlsurface.config import Config
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.translate.conventions import load_conventions
from tests.ingest.loading import Loaded
from tests.ingest.otlp_bodies import span, traces

CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


def hashes(*prompts: dict[str, Any], store: str = "all") -> list[str | None]:
    """The hashes of calls with these attributes."""
    config = Config.model_validate({"content": {"store": store}})
    here = Loaded(config)
    conventions = load_conventions(config)
    here.prompts = ContentPolicy(config.content, conventions.vocabularies)
    here.loader = type(here.loader)(conventions, config, here.loader.prices)
    spans = [span(CALL | prompt, own=i.to_bytes(8, "big")) for i, prompt in enumerate(prompts, 1)]
    here.load([("traces", traces(*spans).SerializeToString())])
    return [row["prompt_hash"] for row in here.store.state("SELECT * FROM attempts ORDER BY span_id").to_pylist()]


def test_prompts_that_are_stored_have_a_hash_of_all_that_the_model_read() -> None:
    asked = {"gen_ai.input.messages": '[{"role":"user","parts":[{"content":"hi"}]}]'}
    one, same, other, told = hashes(
        asked, asked, {"gen_ai.input.messages": "[]"}, asked | {"gen_ai.system_instructions": "be brief"}
    )
    assert one == same
    assert len({one, other, told, None}) == 4


def test_a_prompt_has_the_same_hash_whatever_came_with_it() -> None:
    asked = {"gen_ai.input.messages": "[]"}
    (alone,), (beside, _) = hashes(asked), hashes(asked, asked | {"gen_ai.system_instructions": "be brief"})
    assert alone == beside


# Keys of caches that leave these out gave one caller another one's answer: 567-labs/instructor 2585 and 2524 (sampling,
# system prompt), Continuum-AI-Corp/OrcaRouter-Lite 84 (max_tokens), spring-projects/spring-ai 5256 (system prompt).
@pytest.mark.parametrize(
    "other",
    [
        {"gen_ai.system_instructions": "be brief"},
        {"gen_ai.request.temperature": 1.0},
        {"gen_ai.request.max_tokens": 16},
        {"gen_ai.request.seed": 3},
        {"gen_ai.tool.definitions": "[{}]"},
        {"gen_ai.output.type": "json"},
    ],
    ids=str,
)
def test_a_prompt_that_is_asked_otherwise_has_another_hash(other: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"gen_ai.input.messages": "[]"}
    one, same = hashes(asked, asked | other)
    assert None not in {one, same}
    assert one != same


@pytest.mark.parametrize("store", ["none", "redacted"])
def test_prompts_that_are_not_kept_whole_have_no_hash(store: str) -> None:
    asked = [{"gen_ai.input.messages": f"mail to {name}@example.com, please"} for name in ("ann", "bob")]
    assert hashes(*asked, store=store) == [None, None]


def test_prompts_that_came_cut_short_have_no_hash() -> None:
    assert hashes({"gen_ai.input.messages": "[dropped: 12 characters]"}) == [None]


def test_a_hash_that_is_sent_is_taken_whatever_is_stored() -> None:
    assert hashes({"controlsurface.prompt.hash": "c0ffee"}, store="none") == ["c0ffee"]
