"""Answers of models behind an OpenAI-compatible endpoint: a real server, which is busy, fails and stops half-way."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from controlsurface.cli import run_command
from controlsurface.errors import BadRequest, Unreachable
from controlsurface.profile.answer_table import read_answers
from controlsurface.profile.endpoint_answers import Endpoint, collect_answers, prompt_rows

MODELS = ["tiny-1", "big-1"]
PROMPTS = [{"task_type": "sum", "prompt": f"{i} plus {i}?", "expected": str(2 * i)} for i in range(6)]


class Provider(ThreadingHTTPServer):
    """Answers sums; `script` says what else the next requests get: a status, or a body."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: Counter[tuple[str, str]] = Counter()
        self.keys: set[str | None] = set()
        self.script: list[int | Any] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = body["messages"][0]["content"]
        with self.server.lock:
            self.server.keys.add(self.headers["Authorization"])
            scripted = self.server.script.pop(0) if self.server.script else None
            self.server.asked[body["model"], prompt] += 1
        wrong = body["model"] == "tiny-1" and prompt.startswith("5")
        text = "no idea" if wrong else f"It is {2 * int(prompt[0])}"
        answer = {
            "choices": [{"message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3},
        }
        status = scripted if isinstance(scripted, int) else 200
        sent = json.dumps(answer if scripted is None or isinstance(scripted, int) else scripted).encode()
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        """Nothing of it on standard error."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(10)


def prompts(of: list[dict[str, str]] | None = None) -> pl.DataFrame:
    return prompt_rows(pl.DataFrame(of or PROMPTS), Path("prompts.jsonl"))


def collected(provider: Provider, into: Path, of: pl.DataFrame | None = None) -> list[str]:
    table = prompts() if of is None else of
    done: list[int] = []
    found = collect_answers(table, MODELS, Endpoint(provider.url, "key", 3), into, done.append)
    assert sum(done) == table.height * len(MODELS)
    return found.problems


def test_every_model_is_asked_every_prompt_once_and_the_file_can_be_profiled(
    provider: Provider, tmp_path: Path
) -> None:
    into = tmp_path / "answers.jsonl"
    assert collected(provider, into) == []
    assert provider.asked == Counter({(model, each["prompt"]): 1 for model in MODELS for each in PROMPTS})
    assert provider.keys == {"Bearer key"}
    rows = read_answers(into, {"small": "tiny-1", "large": "big-1"})
    assert rows.select("input_tokens", "output_tokens").unique().rows() == [(7, 3)]
    assert Counter(rows["tier"]) == {"small": 6, "large": 6}


def test_what_is_answered_is_not_asked_again_though_the_last_line_was_cut_off(
    provider: Provider, tmp_path: Path
) -> None:
    into = tmp_path / "answers.jsonl"
    collected(provider, into)
    lines = into.read_bytes().splitlines(keepends=True)
    into.write_bytes(b"".join(lines[:5]) + lines[5][:20])
    provider.asked.clear()
    assert collected(provider, into) == []
    assert provider.asked.total() == 7
    assert len(into.read_bytes().splitlines()) == 12
    provider.asked.clear()
    collected(provider, into)
    assert provider.asked.total() == 0


def test_a_busy_endpoint_is_asked_again_and_a_refusal_is_not(provider: Provider, tmp_path: Path) -> None:
    provider.script = [429, 503, 500]
    assert collected(provider, tmp_path / "one.jsonl") == []
    assert provider.asked.total() == 12 + 3
    provider.asked.clear()
    provider.script = [401] * 2
    problems = collected(provider, tmp_path / "two.jsonl")
    assert len(problems) == 2
    assert all("401" in each for each in problems)
    assert provider.asked.total() == 12
    assert collected(provider, tmp_path / "two.jsonl") == []
    assert provider.asked.total() == 14


@pytest.mark.parametrize("body", [[], {}, {"choices": []}, {"choices": [{"message": None}]}, "text", {"error": "none"}])
def test_an_answer_that_is_none_is_said_and_harms_no_other(provider: Provider, tmp_path: Path, body: Any) -> None:
    provider.script = [body]
    (problem,) = collected(provider, tmp_path / "answers.jsonl")
    assert "choices[0].message.content" in problem
    assert len((tmp_path / "answers.jsonl").read_bytes().splitlines()) == 11


def test_answers_to_another_wording_are_not_taken_for_those_to_a_prompt(provider: Provider, tmp_path: Path) -> None:
    into = tmp_path / "answers.jsonl"
    collected(provider, into)
    changed = prompts([{**each, "prompt": each["prompt"] + " Be brief."} for each in PROMPTS])
    with pytest.raises(BadRequest, match="another wording of prompt '0' of sum"):
        collected(provider, into, changed)


def test_a_file_that_was_not_written_by_this_is_not_written_into(provider: Provider, tmp_path: Path) -> None:
    into = tmp_path / "answers.jsonl"
    into.write_text('{"answer": "mine"}\n', "utf-8")
    with pytest.raises(BadRequest, match="name another file"):
        collected(provider, into)
    assert into.read_text("utf-8") == '{"answer": "mine"}\n'


def test_the_command_asks_profiles_and_says_what_has_no_answer(
    provider: Provider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, criteria, into = (tmp_path / name for name in ("prompts.jsonl", "criteria.toml", "answers.jsonl"))
    pl.DataFrame(PROMPTS).write_ndjson(file)
    criteria.write_text("[tasks.sum]\nnumeric = 0\n", "utf-8")
    command = ["profile", str(file), "--models", "small=tiny-1,large=big-1", "--criteria", str(criteria)]
    asking = ["--endpoint", provider.url, "--answers", str(into), "--format", "json"]
    provider.script = [400]
    assert run_command([*command, *asking]) == Unreachable.exit_code
    assert "1 of 12 calls have no answer" in capsys.readouterr().err
    assert run_command([*command, *asking]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["tier"]: (row["passed"], row["n"]) for row in found["pass_rates"]} == {"small": (5, 6), "large": (6, 6)}
