"""The examples in the documentation do what their text says."""

import itertools
import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from controlsurface import config
from controlsurface.cli import controlsurface as command_line
from controlsurface.collector.ingest_engine import running_engine
from controlsurface.config import Config
from controlsurface.export.reconciliation.bill_reader import read_bill
from controlsurface.export.reconciliation.bill_tables import parse_mapping
from controlsurface.ingest.translate import conventions
from controlsurface.ingest.wire.otlp_request import RequestBody
from controlsurface.metrics.catalog import CATALOG
from controlsurface.money.price_book import read_book
from controlsurface.profile.pass_criteria import read_criteria
from tests.project import tree

MARKED = re.compile(r"<!-- test: (\w+) -->\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHELL = re.compile(r"^```bash\n(.*?)^```", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`controlsurface ([a-z][a-z -]*)")
TOML = re.compile(r"(?<! -->\n)^```toml\n(.*?)^```", re.DOTALL | re.MULTILINE)
DOCUMENTS = [path for path in tree.files() if path.suffix == ".md" and path.name != "CHANGELOG.md"]
COMMANDS = [
    line
    for document in DOCUMENTS
    for block in SHELL.findall(document.read_text("utf-8"))
    for line in block.splitlines()
    if line.startswith("controlsurface")
]
CONFIGURATIONS = [
    text
    for document in DOCUMENTS
    if document.parent.name != "collectors"
    for text in TOML.findall(document.read_text("utf-8"))
]


def example(document: str, name: str) -> str:
    found = {m[1]: m[2] for m in MARKED.finditer((tree.ROOT / document).read_text("utf-8"))}
    return found[name]


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What the application's tracer has recorded."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def stored(exporter: InMemorySpanExporter, data: Path) -> list[Mapping[str, Any]]:
    """The requests that those spans become, through the journal and the store."""
    with running_engine(data, Config()) as engine:
        engine.intake.take(RequestBody("traces", encode_spans(exporter.get_finished_spans()).SerializeToString()))
        assert engine.writer.drain()
        return list(engine.store.state("FROM requests").to_pylist())


def call(lane: str, question: str) -> str:
    """A model call, as an instrumented client records it."""
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-large",
        "gen_ai.usage.input_tokens": 9,
    }
    with trace.get_tracer("client").start_as_current_span("chat gpt-large", attributes=attributes):
        return f"{lane}: {question}?"


def test_the_instrumented_router_sends_what_a_request_needs(tracer: InMemorySpanExporter, tmp_path: Path) -> None:
    program: dict[str, Callable[..., str]] = {}
    exec(example("README.md", "instrument"), program)
    assert program["answer"]("why", lambda _: ("large", 0.4), call) == "large: why?"
    (request,) = stored(tracer, tmp_path)
    said = {key: request[key] for key in ("router", "task_type", "confidence", "threshold", "lane", "escalated")}
    assert said == {
        "router": "my-router",
        "task_type": "rag_answer",
        "confidence": 0.4,
        "threshold": 0.7,
        "lane": "large",
        "escalated": True,
    }
    assert (request["attempts"], request["input_tokens"]) == (1, 9)


@pytest.mark.parametrize("document", ["README.md", "docs/lanes.md"])
def test_the_configuration_example_is_valid(document: str) -> None:
    parsed = config.parse_config(tomllib.loads(example(document, "configuration")), document)
    assert list(parsed.lanes) == ["small", "large"]
    assert parsed.lanes["large"].escalation


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_every_configuration_table_shown_is_valid(text: str) -> None:
    assert config.parse_config(tomllib.loads(text), "controlsurface.toml") != Config()


def test_the_comparators_example_is_valid() -> None:
    parsed = config.parse_config(tomllib.loads(example("docs/audits.md", "comparators")), "docs/audits.md")
    assert [rule.kind for rule in parsed.audit.comparators.values()] == ["json", "judge"]


def test_the_shadow_example_says_what_a_pair_needs(
    tracer: InMemorySpanExporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = {"version": 1, "edges": [0.5], "otherwise": 0.0}
    strata = [{"task_type": "rag_answer", "band": 1, "probability": 1.0}]
    (tmp_path / "plan.json").write_text(json.dumps({**plan, "strata": strata}), "utf-8")
    monkeypatch.chdir(tmp_path)
    program: dict[str, Callable[..., None]] = {}
    exec(example("docs/audits.md", "shadow"), program)
    for task_type in ("rag_answer", "chat"):
        program["shadow"]("req-1", task_type, 0.8, "gpt-large", lambda model: f"{model} says no")
    (span,) = tracer.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["controlsurface.shadow.of"] == "req-1"
    assert span.attributes["controlsurface.sampling.probability"] == 1
    assert span.attributes["controlsurface.answer.label"] == "gpt-large says no"


def test_the_prices_examples_are_valid(tmp_path: Path) -> None:
    path, models = tmp_path / "prices.toml", []
    for _, text in MARKED.findall((tree.ROOT / "docs/prices.md").read_text("utf-8")):
        path.write_text(text, "utf-8")
        models.append([price.model for price in read_book(path).price])
    assert models == [["qwen2.5-7b*"], ["qwen2.5-7b*"], ["mistral-*"]]


def test_the_criteria_example_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "criteria.toml"
    path.write_text(example("docs/profile.md", "profile"), "utf-8")
    (tmp_path / "invoice.schema.json").write_text('{"type": "object"}', "utf-8")
    found = read_criteria(path)
    assert [(task, len(each.checks)) for task, each in found.tasks.items()] == [
        *((task, 1) for task in "extraction arithmetic triage dates capitals summaries".split())
    ]


FILES = (
    "anthropic-costs.json answers.parquet config.yaml criteria.toml export.jsonl invoice.csv invoice.toml labels.csv "
    "my.yaml my_mapping.toml openai-costs.json pager.csv profile.csv requests.csv scores.parquet traces.jsonl"
).split()


def test_the_mapping_of_a_bill_shown_reads_a_bill_of_its_form() -> None:
    mapping = parse_mapping(example("docs/export.md", "bill"), "docs/export.md")
    body = b"Date;Net amount;Model;Type\n16.11.2026;1,25;m-1;Usage\n16.11.2026;-0,25;;Promotion\n"
    assert [line.amount_usd for line in read_bill("invoice.csv", body, mapping).lines] == [
        Decimal("1.25"),
        Decimal("-0.25"),
    ]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_shown_is_valid(line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        (tmp_path / name).touch()
    (tmp_path / "my_rules").mkdir()
    words = itertools.takewhile(lambda word: word not in {">", "|"}, shlex.split(line, comments=True)[1:])
    command, arguments = resolved(words)
    with command.make_context("shown", arguments) as context:
        asked = context.params.get("metric")
    assert asked is None or asked in CATALOG


@pytest.mark.parametrize("document", DOCUMENTS, ids=tree.name)
def test_every_command_named_in_a_sentence_exists(document: Path) -> None:
    for words in INLINE.findall(document.read_text("utf-8")):
        resolved(words.split())


def resolved(words: Iterable[str]) -> tuple[click.Command, list[str]]:
    """The command that these words name, through groups, and the arguments behind it."""
    command: click.Command = command_line
    arguments = list(words)
    while isinstance(command, click.Group) and arguments:
        context = command.make_context("shown", [], resilient_parsing=True)
        found = command.get_command(context, arguments[0])
        assert found, arguments
        command, arguments = found, arguments[1:]
    return command, arguments


def test_the_vocabulary_example_reads_the_span_above_it(
    tracer: InMemorySpanExporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(tree.ROOT / "collectors", tmp_path / "collectors")
    (folder / "acme.toml").write_text(example("collectors/README.md", "vocabulary"), "utf-8")
    monkeypatch.setattr(
        conventions, "load_conventions", lambda settings, read=conventions.load_conventions: read(settings, folder)
    )
    sent: dict[str, Any] = {
        "acme.call": "c-81",
        "acme.tier": "premium",
        "acme.model": "gpt-large",
        "acme.first_token_s": 0.21,
    }
    usage: dict[str, Any] = {"acme.usage": json.dumps({"in": 120, "out": 40}), "acme.prompt": "secret words"}
    with trace.get_tracer("acme").start_as_current_span("acme call", attributes=sent | usage):
        pass
    (request,) = stored(tracer, tmp_path / "data")
    assert (request["lane"], request["input_tokens"], request["output_tokens"]) == ("large", 120, 40)
    assert request["ttft_ms"] == 210
    assert b"secret words" not in b"".join(p.read_bytes() for p in (tmp_path / "data").rglob("*") if p.is_file())
