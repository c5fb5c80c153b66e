"""Receivers of alerts that are there, fail, hang or lie: HTTP and SMTP on free ports."""

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Sink:
    """What an HTTP receiver got; `answers` are taken one a request, the last stays. None: no answer at all."""

    answers: list[tuple[int, dict[str, str], bytes] | None] = field(default_factory=lambda: [(200, {}, b"ok")])
    got: list[Got] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def next(self) -> tuple[int, dict[str, str], bytes] | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def http_sink(*answers: tuple[int, dict[str, str], bytes] | None) -> Iterator[Sink]:
    """A receiver of POSTs."""
    sink = Sink(list(answers)) if answers else Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.got.append(Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            answer = sink.next()
            if answer is None:
                sink.released.wait(30)
                return
            self.send_response(answer[0])
            for name, value in ({"Content-Length": str(len(answer[2]))} | answer[1]).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer[2])

        def log_message(self, *_: object) -> None:
            pass

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler), sink.released.set) as port:
        sink.url = f"http://127.0.0.1:{port}"
        yield sink


@contextmanager
def _running(server: socketserver.TCPServer, release: Callable[[], None]) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        release()
        server.shutdown()
        server.server_close()
        thread.join(10)


@dataclass
class Post:
    """What an SMTP server got. `verdict` is its answer to the message."""

    verdict: str = "250 kept"
    mails: list[bytes] = field(default_factory=list)
    port: int = 0


@contextmanager
def smtp_sink(verdict: str = "250 kept") -> Iterator[Post]:
    """A server that speaks as much SMTP as a sender needs (RFC 5321); an empty verdict is no answer."""
    post = Post(verdict)
    release = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 sink")
            for line in self.rfile:
                word = line[:4].upper()
                if word == b"DATA":
                    self.say("354 go on")
                    mail = b"".join(iter(self.rfile.readline, b".\r\n"))
                    post.mails.append(mail)
                    if not post.verdict:
                        release.wait(30)
                        return
                    self.say(post.verdict)
                elif word == b"QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with _running(server, release.set) as port:
        post.port = port
        yield post
