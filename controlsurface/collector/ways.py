"""The two ways of a body from a file into the store: over OTLP to the server that owns it, or by ourselves."""

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import requests

from controlsurface.collector.addresses import found_in
from controlsurface.collector.engine import Engine, running
from controlsurface.config import Config
from controlsurface.errors import BadBody, Busy, TooLarge, Unreachable
from controlsurface.ingest import conventions
from controlsurface.ingest.check import Checked, check
from controlsurface.ingest.intake import Body
from controlsurface.ingest.prompts import Prompts
from controlsurface.reader import RemoteReader

_POLL_S = 0.05
_TIMEOUT_S = 60
_PATIENCE_S = 120  # with a server that stores or takes nothing


class Way(Protocol):
    """Takes bodies; `settle` waits until all are stored."""

    def take(self, body: Body) -> Checked:
        """Hand one over, waiting while the receiver is busy. Raises BadBody, TooLarge, Unreachable."""
        ...

    def settle(self) -> int:
        """Wait for the rows; how many spans were known before. Raises Busy when they cannot be stored."""
        ...


@contextmanager
def way_into(data: Path, config: Config) -> Iterator[Way]:
    """The way that is open. Raises StoreInUse, StoreError."""
    if addresses := found_in(data):
        yield Served(addresses["api"], addresses["otlp_http"], config)
    else:
        with running(data, config) as engine:
            yield Direct(engine)


class Direct:
    """Through the same intake and writer as a server's, in this process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known = engine.counters.snapshot().get("duplicate", 0)

    def take(self, body: Body) -> Checked:
        """Into the journal."""
        while True:
            try:
                return self._engine.intake.take(body)
            except Busy as full:
                _raise_if(self._engine.failures())
                time.sleep(min(full.retry_after_s, _POLL_S))

    def settle(self) -> int:
        """Until the writer has caught up with the journal."""
        while not self._engine.writer.drain(_POLL_S):
            _raise_if(self._engine.failures())
        return self._engine.counters.snapshot().get("duplicate", 0) - self._known


class Served:
    """Over OTLP/HTTP. What it counts as known may include what others send at the same time."""

    def __init__(self, api: str, otlp_http: str, config: Config) -> None:
        token = config.auth.token or os.environ.get("CONTROLSURFACE_TOKEN", "")
        self._otlp = otlp_http
        self._config = config
        self._prompts = Prompts(config.content, conventions.load(config).vocabularies)
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between us and our own server
        self._session.headers["Content-Type"] = "application/x-protobuf"
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"
        self._reader = RemoteReader(api, token)
        self._known = self._reader.ingest().duplicate

    def take(self, body: Body) -> Checked:
        """Checked here, so that the figures are exact; checked again there."""
        if len(body.data) > body.limit:
            raise TooLarge(f"{len(body.data)} bytes; receiver.max_http_body is {body.limit}")
        checked = check(body.signal, body.data, body.encoding, self._prompts)
        if checked.accepted:
            self._post(body.signal, checked.payload)
        return checked

    def settle(self) -> int:
        """Until nothing is pending there."""
        least, since = math.inf, time.monotonic()
        while (counts := self._reader.ingest()).pending:
            if counts.pending < least:
                least, since = counts.pending, time.monotonic()
            elif time.monotonic() - since > _PATIENCE_S:
                raise Busy(f"the server does not store what it accepted: {'; '.join(self._reader.health())}")
            time.sleep(_POLL_S)
        return counts.duplicate - self._known

    def _post(self, signal: str, payload: bytes) -> None:
        """Send, and again after as long as the server asks for. Raises TooLarge, BadBody, Busy, Unreachable."""
        until = time.monotonic() + _PATIENCE_S
        while (answer := self._answer(signal, payload)).status_code in {429, 503}:
            if time.monotonic() > until:
                raise Busy(f"the server takes nothing: {'; '.join(self._reader.health())}")
            time.sleep(float(answer.headers.get("Retry-After", "1")))
        if answer.status_code == 413:
            raise TooLarge(f"{len(payload)} bytes are more than the server takes; raise receiver.max_http_body")
        if answer.status_code == 400:
            raise BadBody(f"the server refused it: {answer.content!r}")
        if not answer.ok:
            raise Unreachable(f"{self._otlp}: {answer.status_code} {answer.reason}")

    def _answer(self, signal: str, payload: bytes) -> requests.Response:
        try:
            return self._session.post(f"{self._otlp}/v1/{signal}", payload, timeout=_TIMEOUT_S)
        except requests.RequestException as problem:
            raise Unreachable(f"{self._otlp}: {problem}") from None


def _raise_if(problems: list[str]) -> None:
    """Waiting is in vain when storing fails."""
    if problems:
        raise Busy("; ".join(problems))
