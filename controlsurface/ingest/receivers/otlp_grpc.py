"""The OTLP/gRPC receiver: three services whose messages stay bytes until the intake looks at them."""

import errno
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn
from urllib.parse import unquote

import grpc

from controlsurface.config import Config
from controlsurface.errors import Busy, Throttled
from controlsurface.ingest.receivers import otlp_responses
from controlsurface.ingest.receivers.intake import ANSWER_TIMEOUT_S, Intake
from controlsurface.ingest.validation.validate import ValidatedBody
from controlsurface.ingest.wire.otlp_request import RequestBody, Signal
from controlsurface.web.listener import in_use
from controlsurface.web.refusal_counter import RefusalCounter
from controlsurface.web.token_check import TokenCheck, bearer_token

IDLE_TIMEOUT_MS = 300_000  # without a call, after which a connection is closed; senders open another
HANDSHAKE_TIMEOUT_MS = 4_000  # from the connection to HTTP/2
_WORKER_THREADS = 16  # each waits for one body to become durable, and may hold one in memory
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_SERVICES: dict[Signal, str] = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}


class GrpcReceiver:
    """Takes OTLP/gRPC between `start` and `stop`."""

    def __init__(
        self, intake: Intake, settings: Config, host: str, port: int, refusals: RefusalCounter, most_connections: int
    ) -> None:
        self._intake = intake
        tokens = ((each, each) for each in settings.auth.senders())
        self._tokens = TokenCheck(tokens, settings.auth, refusals) if settings.auth.token else None
        self._host, self._port = host, port
        options = [
            ("grpc.max_receive_message_length", settings.receiver.max_grpc_body),  # also after decompression
            ("grpc.max_connection_idle_ms", IDLE_TIMEOUT_MS),
            ("grpc.server_handshake_timeout_ms", HANDSHAKE_TIMEOUT_MS),
            ("grpc.so_reuseport", 0),  # a second server on the port is an error, not a rival
            ("grpc.max_allowed_incoming_connections", most_connections),
        ]
        self._server = grpc.server(ThreadPoolExecutor(_WORKER_THREADS, "otlp-grpc"), options=options)
        self._server.add_generic_rpc_handlers(tuple(self._handler(signal) for signal in _SERVICES))

    def start(self) -> int:
        """Listen; the bound port. Raises PortInUse."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        try:
            port = self._server.add_insecure_port(f"{host}:{self._port}")
        except RuntimeError:  # it does not say why
            problem = OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
            raise in_use("otlp_grpc", self._host, self._port, problem) from None
        self._server.start()
        return port

    def stop(self, grace_s: float) -> None:
        """Take no new bodies; answer those under way, for at most `grace_s`."""
        self._server.stop(grace_s).wait(grace_s + 5)

    def _handler(self, signal: Signal) -> "grpc.GenericRpcHandler[bytes, bytes]":
        export = grpc.unary_unary_rpc_method_handler(self._export(signal))
        return grpc.method_handlers_generic_handler(_SERVICES[signal], {"Export": export})

    def _export(self, signal: Signal) -> Callable[[bytes, grpc.ServicerContext], bytes]:
        def export(data: bytes, context: grpc.ServicerContext) -> bytes:
            self._let_in(context)
            try:
                checked = self._submitted(signal, data)
            except TimeoutError:
                _abort(context, Busy(f"not durable within {ANSWER_TIMEOUT_S} s"))
            except Exception as problem:  # noqa: BLE001 (the intake logs what is not the sender's doing)
                _abort(context, problem)
            return otlp_responses.success_response(signal, checked, "protobuf")

        return export

    def _submitted(self, signal: Signal, data: bytes) -> ValidatedBody:
        """The answer to a body, whose size gRPC has checked. Raises BadBody, Busy, TimeoutError."""
        hold = self._intake.hold()
        try:
            hold.add(len(data))
        except Busy as problem:
            self._intake.count(problem)
            raise
        body = RequestBody(signal, data, patience_s=ANSWER_TIMEOUT_S)
        return self._intake.submit(body, hold).result(ANSWER_TIMEOUT_S)

    def _let_in(self, context: grpc.ServicerContext) -> None:
        """Nothing, where the sender has shown a token that may send; else its call ends here."""
        if self._tokens is None:
            return
        given = dict(context.invocation_metadata()).get("authorization", "")
        shown = bearer_token(given.decode("latin-1") if isinstance(given, bytes) else given)
        try:
            known = bool(shown) and self._tokens.owner(_client(context.peer()), shown)
        except Throttled as problem:
            _abort(context, problem)
        if not known:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "the bearer token is missing or wrong")


def _client(peer: str) -> str:
    """The address in gRPC's name of a peer.

    >>> _client("ipv4:127.0.0.1:4711"), _client("ipv6:%5B::1%5D:4711")
    ('127.0.0.1', '::1')
    """
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]") or peer


def _abort(context: grpc.ServicerContext, problem: Exception) -> NoReturn:
    context.set_trailing_metadata(otlp_responses.status_trailers(problem))
    context.abort(_CODES[otlp_responses.status_code(problem)], otlp_responses.status_message(problem))
