"""Answers of models behind an OpenAI-compatible endpoint, side by side, kept line by line: a stop loses none."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import requests

from controlsurface.errors import BadRequest, Unreachable
from controlsurface.profile.answer_table import SINGLE_TASK

TRIES = 4
TIMEOUT_S = 120
MAX_WAIT_S = 60
BUSY_STATUSES = {408, 409, 429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where models are called: the address before /chat/completions, and the key, if one is needed."""

    url: str
    key: str | None = None
    parallel: int = 4


@dataclass(frozen=True, slots=True)
class CollectedAnswers:
    """How many calls there were to make, and what went wrong with those that have no answer."""

    asked: int
    problems: list[str]


def collect_answers(
    prompts: pl.DataFrame, models: Sequence[str], endpoint: Endpoint, into: Path, progress: Callable[[int], object]
) -> CollectedAnswers:
    """Ask every model every prompt that `into` (JSON lines) has no answer to; `progress` is told how many are done.

    `prompts`: prompt_id, task_type, expected, prompt. What has failed is asked again the next time. Raises BadRequest
    where `into` has the answer to another wording of a prompt.
    """
    answered = _answered(into)
    todo = []
    for row in prompts.iter_rows(named=True):
        for model in models:
            if (digest := answered.get((row["task_type"], row["prompt_id"], model))) is None:
                todo.append((model, row))
            elif digest != _digest(row["prompt"]):
                prompt = f"prompt '{row['prompt_id']}' of {row['task_type']}"
                raise BadRequest(
                    f"{into}: {model} has answered another wording of {prompt}; name another file of answers"
                )
    progress(prompts.height * len(models) - len(todo))
    problems: list[str] = []
    with into.open("ab") as file, ThreadPoolExecutor(endpoint.parallel) as pool:
        asked = [pool.submit(_try_answer, endpoint, *each) for each in todo]
        try:
            for each in as_completed(asked):
                line, problem = each.result()
                if line:
                    file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
                    file.flush()
                else:
                    problems.append(problem)
                progress(1)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return CollectedAnswers(len(todo), problems)


def prompt_rows(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """prompt_id, task_type, expected, prompt of a table of prompts. Raises BadRequest without column `prompt`."""
    if "prompt" not in table.columns:
        raise BadRequest(f"{path}: no column 'prompt'; there are {', '.join(table.columns)}")
    numbered = table.with_row_index("_row")
    return numbered.select(
        _first(table, ("prompt_id", "id"), pl.col("_row")).cast(pl.String).alias("prompt_id"),
        _first(table, ("task_type", "task"), pl.lit(SINGLE_TASK)).cast(pl.String).alias("task_type"),
        _first(table, ("expected", "reference"), pl.lit(None)).cast(pl.String).alias("expected"),
        pl.col("prompt").cast(pl.String),
    )


def _first(table: pl.DataFrame, names: Sequence[str], otherwise: pl.Expr) -> pl.Expr:
    return next((pl.col(name) for name in names if name in table.columns), otherwise)


def _answered(path: Path) -> Mapping[tuple[str, str, str], str]:
    """The prompt's digest of what is answered in the file already; a line that a stop cut off is not."""
    try:
        return {(row["task_type"], row["prompt_id"], row["tier"]): row["prompt_digest"] for row in _lines(path)}
    except (KeyError, TypeError):
        raise BadRequest(f"{path}: not written by `profile --endpoint`; name another file of answers") from None


def _digest(prompt: str) -> str:
    return sha256(prompt.encode()).hexdigest()[:16]


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    if not path.exists():
        return
    whole = path.read_bytes()
    kept = whole[: whole.rfind(b"\n") + 1]
    if kept != whole:
        path.write_bytes(kept)
    for number, line in enumerate(kept.splitlines(), 1):
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError:
            raise BadRequest(f"{path}: line {number} is no JSON") from None


def _try_answer(endpoint: Endpoint, model: str, row: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    try:
        return _answer(endpoint, model, row), ""
    except Unreachable as problem:
        return {}, f"{model} on prompt '{row['prompt_id']}': {problem}"


def _answer(endpoint: Endpoint, model: str, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A line of the file. Raises Unreachable."""
    found, seconds = _ask(endpoint, {"model": model, "messages": [{"role": "user", "content": row["prompt"]}]})
    usage = _member(found, "usage") or {}
    return {
        "task_type": row["task_type"],
        "prompt_id": row["prompt_id"],
        "prompt_digest": _digest(row["prompt"]),
        "tier": model,
        "answer": _content(found),
        "expected": row["expected"],
        "input_tokens": _member(usage, "prompt_tokens"),
        "output_tokens": _member(usage, "completion_tokens"),
        "latency_s": round(seconds, 3),
    }


def _member(found: object, name: str) -> Any:
    return found.get(name) if isinstance(found, Mapping) else None


def _content(found: Any) -> str:
    try:
        return str(found["choices"][0]["message"]["content"] or "")
    except (KeyError, IndexError, TypeError):
        raise Unreachable("the answer has no choices[0].message.content") from None


def _ask(endpoint: Endpoint, body: Mapping[str, Any]) -> tuple[Any, float]:
    """The answer of a model and its seconds, tried again while the endpoint is busy. Raises Unreachable."""
    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    problem = ""
    for attempt in range(TRIES):
        wait, started = min(2.0**attempt, MAX_WAIT_S), time.monotonic()
        try:
            answer = requests.post(
                f"{endpoint.url.rstrip('/')}/chat/completions", json=body, headers=headers, timeout=TIMEOUT_S
            )
            if answer.ok:
                return answer.json(), time.monotonic() - started
            problem = f"{answer.status_code} {answer.text[:200]}"
            if answer.status_code not in BUSY_STATUSES:
                break
            wait = _retry_after(answer, wait)
        except (requests.RequestException, ValueError) as failure:
            problem = str(failure)
        if attempt < TRIES - 1:
            time.sleep(wait)
    raise Unreachable(problem)


def _retry_after(answer: requests.Response, otherwise: float) -> float:
    try:
        return min(max(float(answer.headers["Retry-After"]), 0.0), MAX_WAIT_S)
    except (KeyError, ValueError):
        return otherwise
