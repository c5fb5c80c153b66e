"""The two ways of a body from a file into the store: over OTLP to the server that owns it, or by ourselves."""

import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import requests

from controlsurface.collector.addresses import found_in
from controlsurface.collector.engine import Engine, running
from controlsurface.config import Config, Retention
from controlsurface.errors import BadBody, Busy, TooLarge, Unreachable
from controlsurface.ingest import conventions
from controlsurface.ingest.ages import Keeps
from controlsurface.ingest.body import Body
from controlsurface.ingest.check import Checked, check
from controlsurface.ingest.limits import BodyLimits
from controlsurface.ingest.prompts import Prompts
from controlsurface.reader import RemoteReader, retention
from controlsurface.reader.ingest import Ingest, IngestQuery

_POLL_S = 0.05
_FROZEN = "SELECT max(gone_before) AS frozen FROM retained WHERE kind = 'frozen'"
_TIMEOUT_S = 60
_PATIENCE_S = 120  # with a server that stores or takes nothing


class Way(Protocol):
    """Takes bodies; `settle` waits until all are stored."""

    def take(self, body: Body) -> Checked:
        """Hand one over, waiting while the receiver is busy. Raises BadBody, TooLarge, Unreachable."""
        ...

    def keeps(self) -> Keeps:
        """How long the store keeps what is handed over."""
        ...

    def settle(self) -> tuple[int, int]:
        """Wait for the rows; how many spans were known before, and how many too old. Raises Busy when none come."""
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
        self._known = _left_out(engine.counters.snapshot())

    def take(self, body: Body) -> Checked:
        """Into the journal."""
        while True:
            try:
                return self._engine.intake.take(body)
            except Busy as full:
                _raise_if(self._engine.failures())
                time.sleep(min(full.retry_after_s, _POLL_S))

    def keeps(self) -> Keeps:
        """By our own configuration, and what the store has frozen."""
        config, rows = self._engine.config, self._engine.store.state(_FROZEN).to_pylist()
        frozen = rows[0]["frozen"]
        return Keeps(config.retention, config.writer.trace_window, frozen)

    def settle(self) -> tuple[int, int]:
        """Until the writer has caught up with the journal."""
        while not self._engine.writer.drain(_POLL_S):
            _raise_if(self._engine.failures())
        return _since(self._known, _left_out(self._engine.counters.snapshot()))


class Served:
    """Over OTLP/HTTP. What it counts as known may include what others send at the same time."""

    def __init__(self, api: str, otlp_http: str, config: Config) -> None:
        token = config.auth.token or os.environ.get("CONTROLSURFACE_TOKEN", "")
        self._otlp = otlp_http
        self._config = config
        self._prompts = Prompts(
            config.content,
            conventions.load(config).vocabularies,
            config.task_types.from_,
            BodyLimits.of(config.receiver),
        )
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between us and our own server
        self._session.headers["Content-Type"] = "application/x-protobuf"
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"
        self._reader = RemoteReader(api, token)
        self._known = _told(self._reader.ask(IngestQuery()))

    def take(self, body: Body) -> Checked:
        """Checked here, so that the figures are exact; checked again there."""
        if len(body.data) > body.limit:
            raise TooLarge(f"{len(body.data)} bytes; receiver.max_http_body is {body.limit}")
        checked = check(body.signal, body.data, body.encoding, self._prompts)
        if checked.accepted:
            self._post(body.signal, checked.payload)
        return checked

    def keeps(self) -> Keeps:
        """By the configuration of the server."""
        answer = self._reader.ask(retention.Kept())
        kept = {row["kind"]: timedelta(seconds=row["keep_s"]) for row in answer.rows.to_pylist()}
        frozen = answer.facts["frozen_before"]
        since = datetime.fromisoformat(frozen).astimezone(UTC) if frozen else None
        return Keeps(Retention.model_validate(kept), self._config.writer.trace_window, since)

    def settle(self) -> tuple[int, int]:
        """Until nothing is pending there."""
        least, since = math.inf, time.monotonic()
        while (counts := self._reader.ask(IngestQuery())).pending:
            if counts.pending < least:
                least, since = counts.pending, time.monotonic()
            elif time.monotonic() - since > _PATIENCE_S:
                raise Busy(f"the server does not store what it accepted: {'; '.join(self._reader.health())}")
            time.sleep(_POLL_S)
        return _since(self._known, _told(counts))

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


def _told(counts: Ingest) -> tuple[int, int]:
    """The counters of a server that _left_out reads."""
    return _left_out({"duplicate": counts.duplicate, **counts.counters})


def _left_out(counters: Mapping[str, int]) -> tuple[int, int]:
    """Spans that were there already, and spans too old to be stored."""
    return counters.get("duplicate", 0), counters.get("expired", 0)


def _since(known: tuple[int, int], now: tuple[int, int]) -> tuple[int, int]:
    return now[0] - known[0], now[1] - known[1]


def _raise_if(problems: list[str]) -> None:
    """Waiting is in vain when storing fails."""
    if problems:
        raise Busy("; ".join(problems))
