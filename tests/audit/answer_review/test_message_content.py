"""What was asked and answered is on the card where the configuration keeps it, and nowhere else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from controlsurface.audit.answer_review import review_queue
from controlsurface.audit.answer_review.review_card import read_prompt_and_answer
from controlsurface.collector.ingest_engine import running_engine
from controlsurface.config import Config, ContentConfig
from controlsurface.ingest.wire.otlp_request import RequestBody

CALL: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 9}


def message(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def answered(model: str, text: str) -> dict[str, Any]:
    return {"gen_ai.request.model": model, "gen_ai.output.messages": message("assistant", text)}


def a_request_and_its_shadow() -> bytes:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("router")
    asked = {"gen_ai.input.messages": message("user", "Is anna@example.org due?")}
    with tracer.start_as_current_span("route") as route:
        route.set_attributes({"controlsurface.request_id": "r-1", "controlsurface.router.name": "own"})
        small: dict[str, Any] = {
            "gen_ai.request.model": "slm-7b",
            "gen_ai.output.messages": message("assistant", "No."),
        }
        with tracer.start_as_current_span("chat", attributes=CALL | asked | small):
            pass
    large: dict[str, Any] = {"gen_ai.request.model": "gpt-5", "gen_ai.output.messages": message("assistant", "Yes.")}
    again = {"controlsurface.purpose": "shadow", "controlsurface.shadow.of": "r-1"}
    with tracer.start_as_current_span("chat", attributes=CALL | asked | large | again):
        pass
    return encode_spans(exporter.get_finished_spans()).SerializeToString()


@contextmanager
def card(data: Path, store: Literal["none", "redacted", "all"]) -> Iterator[dict[str, Any]]:
    with running_engine(data, Config(content=ContentConfig(store=store))) as engine:
        engine.intake.take(RequestBody("traces", a_request_and_its_shadow()))
        assert engine.writer.drain()
        (row,) = (
            engine.reader().run(review_queue.NextItemQuery(review_queue.NextItemArgs(reviewer="ana"))).rows.to_pylist()
        )
        yield row


def test_stored_content_is_shown_on_both_sides_of_a_card(tmp_path: Path) -> None:
    with card(tmp_path, "all") as shown:
        assert shown["prompt"] == "Is anna@example.org due?"
        assert {shown["left_words"], shown["right_words"]} == {"Yes.", "No."}


def test_redacted_content_is_shown_redacted(tmp_path: Path) -> None:
    with card(tmp_path, "redacted") as shown:
        assert "anna@example.org" not in shown["prompt"]
        assert shown["prompt"].startswith("Is ")


def test_a_card_without_content_links_to_the_traces(tmp_path: Path) -> None:
    with card(tmp_path, "none") as shown:
        assert (shown["prompt"], shown["left_words"], shown["right_words"]) == (None, None, None)
        assert len(shown["left_trace_id"]) == 32
        assert shown["left_span_id"] != shown["right_span_id"]


@pytest.mark.parametrize(
    ("attributes", "prompt", "answer"),
    [
        (
            {"gen_ai.prompt.0.content": "a", "gen_ai.prompt.10.content": "c", "gen_ai.prompt.2.content": "b"},
            "a\n\nb\n\nc",
            None,
        ),
        ({"output.value": '{"choices": [{"message": {"role": "assistant", "content": "x"}}]}'}, None, "x"),
        ({"llm.output_messages.0.message.content": "y", "output.value": "{}"}, None, "y"),
        ({"ai.response.text": "plain [text", "ai.prompt": '{"messages": [{"content": "q"}]}'}, "q", "plain [text"),
        ({"mlflow.spanOutputs": '"twice"', "mlflow.spanInputs": "{broken"}, "{broken", "twice"),
        ({"output.value": '{"total": [1, 2]}'}, None, '{"total": [1, 2]}'),
    ],
)
def test_prompts_and_answers_of_each_vocabulary_are_found(attributes: dict[str, str], prompt: str, answer: str) -> None:
    found = read_prompt_and_answer(attributes)
    assert (found.prompt, found.answer) == (prompt, answer)
