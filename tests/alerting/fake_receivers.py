"""Receivers of alerts that are there, fail, hang or lie: HTTP and SMTP on free ports."""

import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass
class ReceivedRequest:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class FakeReceiver:
    """What an HTTP receiver got; `answers` are taken one a request, the last stays. None: no answer at all."""

    answers: list[tuple[int, dict[str, str], bytes] | None] = field(default_factory=lambda: [(200, {}, b"ok")])
    got: list[ReceivedRequest] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def next(self) -> tuple[int, dict[str, str], bytes] | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def http_sink(
    *answers: tuple[int, dict[str, str], bytes] | None, tls: ssl.SSLContext | None = None
) -> Iterator[FakeReceiver]:
    """A receiver of POSTs, over TLS where a context is given."""
    sink = FakeReceiver(list(answers)) if answers else FakeReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.got.append(
                ReceivedRequest(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            )
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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # who breaks off says so itself
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with _running(server, sink.released.set) as port:
        sink.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
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
class ReceivedMail:
    """What an SMTP server got. `verdict` is its answer to a message; `tls`: it speaks that, at once or when asked."""

    verdict: str = "250 kept"
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    mails: list[bytes] = field(default_factory=list)
    secured: int = 0
    port: int = 0
    released: threading.Event = field(default_factory=threading.Event)


class _Conversation(socketserver.StreamRequestHandler):
    """As much SMTP as a sender needs (RFC 5321), and STARTTLS (RFC 3207); an empty verdict is no answer."""

    post: ReceivedMail
    plain = True

    def handle(self) -> None:
        if self.post.implicit:
            self.secure()
        self.say("220 sink")
        while line := self.rfile.readline():
            if not self.run(line[:4].upper()):
                return

    def run(self, word: bytes) -> bool:
        """Whether the conversation goes on."""
        if word == b"DATA":
            return self.kept()
        if word == b"STAR":
            self.say("220 go on")
            self.secure()
        elif word == b"EHLO" and self.post.tls and self.plain:
            self.say("250-sink\r\n250 STARTTLS")
        else:
            self.say("221 bye" if word == b"QUIT" else "250 ok")
        return word != b"QUIT"

    def kept(self) -> bool:
        self.say("354 go on")
        self.post.mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
        if not self.post.verdict:
            self.post.released.wait(30)
            return False
        self.say(self.post.verdict)
        return True

    def secure(self) -> None:
        assert self.post.tls
        self.rfile.close()
        self.connection = self.request = self.post.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self.plain = False
        self.post.secured += 1

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


@contextmanager
def smtp_sink(
    verdict: str = "250 kept", tls: ssl.SSLContext | None = None, *, implicit: bool = False
) -> Iterator[ReceivedMail]:
    """A mail server."""
    post = ReceivedMail(verdict, tls, implicit)
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), type("Handler", (_Conversation,), {"post": post}))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # who breaks off says so itself
    with _running(server, post.released.set) as port:
        post.port = port
        yield post
