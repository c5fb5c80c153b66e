"""A provider on loopback that answers as OpenAI, Anthropic and Gemini do, and counts by itself what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Counted:
    """One call by our way of counting: cached and written inside the input, reasoning inside the output."""

    api: str
    input_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass
class Provider:
    """Where it listens, and what it counted."""

    url: str
    calls: list[Counted] = field(default_factory=list)


def openai(asked: Json) -> tuple[Json, Counted]:
    counted = Counted("openai", 1200, cached_tokens=1024, output_tokens=90, reasoning_tokens=50)
    usage = {
        "prompt_tokens": 1200,
        "completion_tokens": 90,
        "total_tokens": 1290,
        "prompt_tokens_details": {"cached_tokens": 1024},
        "completion_tokens_details": {"reasoning_tokens": 50},
    }
    message = {"role": "assistant", "content": "ANSWERMARK yes"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-7",
        "object": "chat.completion",
        "created": 1,
        "model": asked["model"],
        "choices": [choice],
        "usage": usage,
    }, counted


def anthropic(asked: Json) -> tuple[Json, Counted]:
    usage = {
        "input_tokens": 30,
        "cache_read_input_tokens": 2000,
        "cache_creation_input_tokens": 500,
        "output_tokens": 44,
    }
    content = [{"type": "text", "text": "ANSWERMARK yes"}]
    answer = {
        "id": "msg_7",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": content,
        "stop_reason": "end_turn",
        "usage": usage,
    }
    return answer, Counted("anthropic", 2530, 2000, 500, 44)


def gemini(_: Json) -> tuple[Json, Counted]:
    usage = {
        "promptTokenCount": 700,
        "cachedContentTokenCount": 300,
        "candidatesTokenCount": 60,
        "thoughtsTokenCount": 200,
        "totalTokenCount": 960,
    }
    content = {"role": "model", "parts": [{"text": "ANSWERMARK yes"}]}
    answer = {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
        "usageMetadata": usage,
        "modelVersion": "gemini-2.5-flash",
        "responseId": "g-7",
    }
    return answer, Counted("gemini", 700, 300, 0, 260, 200)


def chunks(answer: Json, with_usage: bool) -> Iterator[Json]:
    """An OpenAI answer as a stream."""
    head = {key: answer[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    yield head | {
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": "ANSWERMARK yes"}, "finish_reason": None}]
    }
    yield head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    if with_usage:
        yield head | {"choices": [], "usage": answer["usage"]}


@contextmanager
def mocked_provider() -> Iterator[Provider]:
    """Listens on a free port until the end of the block."""
    provider = Provider("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            api = gemini if "enerateContent" in self.path else anthropic if "messages" in self.path else openai
            answer, counted = api(asked)
            provider.calls.append(counted)
            streams = bool(asked.get("stream")) and api is openai
            if streams:
                usage = bool((asked.get("stream_options") or {}).get("include_usage"))
                parts = [f"data: {json.dumps(each)}\n\n" for each in chunks(answer, usage)]
                body = "".join([*parts, "data: [DONE]\n\n"]).encode()
            else:
                body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("content-type", "text/event-stream" if streams else "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
