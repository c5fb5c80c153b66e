"""LiteLLM, with its own OpenTelemetry callback and a mocked provider, shows up with model, tokens, cost and team."""

import os
import subprocess
from pathlib import Path

import pytest

from controlsurface.client import Client
from controlsurface.client.queries.ingest_queries import UNEXPLAINED, UsageLedgerQuery
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.metrics.queries.metric_query import MetricArgs
from tests.launch import collector, until
from tests.serve.mocked_provider import Counted, mocked_provider

_ENVIRONMENT = Path(__file__).parents[2] / ".cache" / "litellm"
PYTHON, INSTALLED = _ENVIRONMENT / "bin" / "python", _ENVIRONMENT / ".installed"
PROGRAM = """
import litellm
litellm.callbacks = ["otel"]
for model in ("openai/gpt-4o-mini", "openai/gpt-4o"):
    litellm.completion(
        model=model,
        messages=[{"role": "user", "content": "hello"}],
        mock_response="hi",
        metadata={"user_api_key_team_id": "team-billing"},
    )
"""


def test_spans_of_litellm_are_understood(tmp_path: Path) -> None:
    if not INSTALLED.exists():
        pytest.skip("LiteLLM is not installed; make test installs it where it can be had")
    with collector(tmp_path) as server:
        environment = {
            **os.environ,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "OTEL_EXPORTER": "otlp_http",
            "OTEL_ENDPOINT": server.ready["otlp_http"],
        }
        subprocess.run([PYTHON, "-c", PROGRAM], env=environment, cwd=tmp_path, timeout=120, check=True)
        reader = server.reader()
        ask = MetricArgs(metric="requests", by=("lane", "team"))
        rows = until(lambda: len(found := reader.run(MetricQuery(ask)).rows.to_pylist()) == 2 and found)
    assert {(row["lane"], row["team"], row["value"]) for row in rows} == {
        ("small", "team-billing", 1),
        ("large", "team-billing", 1),
    }


# Message logging is off, as a firm that cares would have it. The Gemini door imports the proxy, which imports a reader
# of sound files that nothing here needs.
EVERY_DOOR = """
import asyncio, sys, types
sys.modules["soundfile"] = types.ModuleType("soundfile")
import litellm
from litellm.google_genai import agenerate_content

litellm.callbacks = ["otel"]
litellm.turn_off_message_logging = True
base = sys.argv[1]
at_openai = {"api_base": base + "/v1", "api_key": "k"}
said = [{"role": "user", "content": "PROMPTMARK hello"}]

async def streamed(model, **more):
    async for _ in await litellm.acompletion(model=model, messages=said, stream=True, **at_openai, **more):
        pass

async def main():
    await litellm.acompletion(model="openai/gpt-5-mini", messages=said, **at_openai)
    await streamed("openai/gpt-4o-mini")
    await streamed("openai/gpt-4o", stream_options={"include_usage": True})
    at_anthropic = {"model": "anthropic/claude-sonnet-4-5", "api_base": base, "api_key": "k"}
    await litellm.anthropic.messages.acreate(max_tokens=100, messages=said, **at_anthropic)
    contents = [{"role": "user", "parts": [{"text": "PROMPTMARK hello"}]}]
    await agenerate_content(model="gemini/gemini-2.5-flash", contents=contents, api_base=base, api_key="k")
    await asyncio.sleep(1)  # its callbacks run in the background

asyncio.run(main())
"""
TOKENS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
MODELS = ("gpt-5-mini", "gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5", "gemini-2.5-flash")  # in the order of the calls
UNTOLD = "gpt-4o-mini"  # a stream whose usage nobody asked for


def figures(reader: Client, metric: str) -> dict[str, float | None]:
    rows = reader.run(MetricQuery(MetricArgs(metric=metric, by=("model",)))).rows.to_pylist()
    return {row["model"]: row["value"] for row in rows}


def said_by(counted: Counted, column: str, version: str) -> float | None:
    """What LiteLLM can tell of a provider's count: v2 nothing of reasoning, and neither tells a part that is 0."""
    count = getattr(counted, column)
    return None if column == "reasoning_tokens" and version == "2" else count or None


@pytest.mark.parametrize("version", ["1", "2"])
def test_every_endpoint_of_litellm_comes_to_what_the_provider_counted(tmp_path: Path, version: str) -> None:
    if not INSTALLED.exists():
        pytest.skip("LiteLLM is not installed; make test installs it where it can be had")
    with collector(tmp_path) as server, mocked_provider() as provider:
        environment = {
            **os.environ,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_OTEL_V2": str(version == "2").lower(),
            "OTEL_EXPORTER": "otlp_http",
            "OTEL_ENDPOINT": server.ready["otlp_http"],
        }
        command = [str(PYTHON), "-c", EVERY_DOOR, provider.url]
        subprocess.run(command, env=environment, cwd=tmp_path, timeout=180, check=True)
        reader = server.reader()
        until(lambda: figures(reader, "attempts") == dict.fromkeys(MODELS, 1))
        counted = dict(zip(MODELS, provider.calls, strict=True))
        for column in TOKENS:
            found = figures(reader, column)
            truth = {model: said_by(each, column, version) for model, each in counted.items()}
            assert {model: found[model] or None for model in MODELS} == {**truth, UNTOLD: None}
        assert {model for model, usd in figures(reader, "cost").items() if usd is None} == {UNTOLD}
        assert UNEXPLAINED not in reader.run(UsageLedgerQuery()).rows["entry"].to_pylist()
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".py")
    assert not {mark for mark in (b"PROMPTMARK", b"ANSWERMARK") if mark in stored}
