"""Vocabularies are data: shipped ones load, speak and are understood; wrong ones are named with their place."""

from pathlib import Path

import pytest

from controlsurface.config import Config, TaskTypesConfig
from controlsurface.errors import ConfigError
from controlsurface.ingest.translate.conventions import load_conventions
from controlsurface.ingest.translate.vocabulary import Vocabulary
from controlsurface.ingest.translate.vocabulary_sql import OccurringKeys
from controlsurface.shipped_paths import COLLECTORS
from tests.ingest.loading import CONVENTIONS, Loaded, capture, loaded
from tests.ingest.otlp_bodies import span, traces

EXAMPLES = {
    "controlsurface": None,  # the demo's own tests
    "gen_ai": "otelgenai-1.3b0-cascade",
    "langfuse": "langfuse-5.0.4-cascade",
    "litellm": "litellmproxyv2-1.106.2-autorouter",
    "openinference": "oi-0.1.66-cascade",
    "openlit": "openlit-1.44.0-cascade+pricing",
    "openllmetry": "openllmetry-0.62.4-cascade",
    "pydantic_ai": "pydantic_ai-2.68.0-fallback",
    "router": "oi-0.1.66-cascade",
    "vercel_ai": "vercel_ai-7.0.173-cascade",
    "vllm_semantic_router": "vllm_sr-3d48f8c9-synthetic",
}


@pytest.mark.parametrize("name", [name for name, run in EXAMPLES.items() if run])
def test_a_vocabulary_recognizes_its_example(name: str) -> None:
    spoken = loaded(capture(str(EXAMPLES[name]))).rows("spans")
    assert any(name in (row["vocabularies"] or "").split(",") for row in spoken)


def test_the_vocabularies_recognize_every_attribute_of_the_captures() -> None:
    store = loaded([body for run in EXAMPLES.values() if run for body in capture(run)])
    assert [row["key"] for row in store.rows("attribute_keys")] == []


def test_an_unmapped_attribute_is_counted_and_kept() -> None:
    store = Loaded()
    body = capture("handmade-1-duplicate")[0][1].replace(b"gen_ai.provider.name", b"acme.private.thing.x")
    store.load([("traces", body)])
    assert [(row["key"], row["n"]) for row in store.rows("attribute_keys")] == [("acme.private.thing.x", 1)]
    assert b"acme.private.thing.x" in store.one("SELECT span FROM spans")["span"]


def test_a_mended_span_is_known_by_its_mark_and_not_recognized_by_it() -> None:
    store = Loaded()
    outcome = store.load(
        [("traces", traces(span({"a": "<spoil>"})).SerializeToString().replace(b"<spoil>", b"caf\xe9!\xff!"))]
    )
    assert outcome.unrecognised == 1
    assert [(row["key"], row["n"]) for row in store.rows("attribute_keys")] == [("a", 1)]
    assert store.rows("requests") == []
    assert b"controlsurface.mended" in store.one("SELECT span FROM spans")["span"]


def test_the_users_choice_of_task_type_comes_first() -> None:
    config = Config(task_types=TaskTypesConfig(**{"from": ("session.id",)}))
    store = Loaded()
    store.loader = type(store.loader)(load_conventions(config), config, store.loader.prices)
    store.load(capture("otelgenai-1.3b0-cascade"))
    assert {row["task_type"] for row in store.rows("requests")} == {"sess-1"}


def test_every_vocabulary_says_what_it_is() -> None:
    assert all(v.about.endswith(".") and v.name == path.stem for v, path in zip(_by_name(), _paths(), strict=True))


def _paths() -> list[Path]:
    return sorted(COLLECTORS.glob("*.toml"))


def _by_name() -> list[Vocabulary]:
    return sorted(CONVENTIONS.vocabularies, key=lambda v: v.name)


WRONG = {
    "a column that does not exist": (
        '[columns]\nimput_tokens = ["x"]',
        "no column named 'imput_tokens'; did you mean 'input_tokens'",
    ),
    "a role that does not exist": (
        '[[roles]]\nrole = "cal"\nwhen = { x = true }',
        "no role named 'cal'; did you mean 'call'",
    ),
    "a key that does not exist": ('recognize = ["x"]', "recognize"),
    "both key and const": ('[columns]\nmodel = [{ key = "a", const = "b" }]', "give either key or const"),
    "no TOML at all": ("name = ", "Invalid value"),
}


@pytest.mark.parametrize(("text", "complaint"), WRONG.values(), ids=WRONG)
def test_a_wrong_vocabulary_is_named_with_its_place(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(f'name = "mine"\nabout = "Mine."\n{text}')
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_conventions(Config(), tmp_path)
    assert str(tmp_path / "mine.toml") in str(caught.value)


def test_a_folder_without_vocabularies_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no vocabularies"):
        load_conventions(Config(), tmp_path)


def test_vocabulary_comparisons_for_a_batch_equal_those_of_each_span(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = [body for run in EXAMPLES.values() if run for body in capture(run)]
    cut_down = loaded(runs).rows("(SELECT * EXCLUDE (around, span) FROM spans)")
    monkeypatch.setattr(type(CONVENTIONS), "occurring", lambda _, __, keys: OccurringKeys(keys))
    assert loaded(runs).rows("(SELECT * EXCLUDE (around, span) FROM spans)") == cut_down
