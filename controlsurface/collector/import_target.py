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

from controlsurface.client import RemoteClient
from controlsurface.client.queries import retention_status
from controlsurface.client.queries.ingest_queries import Ingest, IngestQuery
from controlsurface.collector.discovery import find_addresses
from controlsurface.collector.ingest_engine import IngestEngine, running_engine
from controlsurface.config import Config, RetentionConfig
from controlsurface.errors import BadBody, Busy, TooLarge, Unreachable
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.files.span_ages import RetentionWindow
from controlsurface.ingest.limits import BodyLimits
from controlsurface.ingest.translate.conventions import load_conventions
from controlsurface.ingest.validation.validate import ValidatedBody, validate_body
from controlsurface.ingest.wire.otlp_request import RequestBody

_POLL_INTERVAL_S = 0.05
_FROZEN = "SELECT max(gone_before) AS frozen FROM retained WHERE kind = 'frozen'"
_TIMEOUT_S = 60
_STALLED_TIMEOUT_S = 120  # with a server that stores or takes nothing


class ImportTarget(Protocol):
    """Takes bodies; `settle` waits until all are stored."""

    def take(self, body: RequestBody) -> ValidatedBody:
        """Hand one over, waiting while the receiver is busy. Raises BadBody, TooLarge, Unreachable."""
        ...

    def keeps(self) -> RetentionWindow:
        """How long the store keeps what is handed over."""
        ...

    def settle(self) -> tuple[int, int]:
        """Wait for the rows; how many spans were known before, and how many too old. Raises Busy when none come."""
        ...


@contextmanager
def open_import_target(data: Path, config: Config) -> Iterator[ImportTarget]:
    """The way that is open. Raises StoreInUse, StoreError."""
    if addresses := find_addresses(data):
        yield ServerImport(addresses["api"], addresses["otlp_http"], config)
    else:
        with running_engine(data, config) as engine:
            yield DirectImport(engine)


class DirectImport:
    """Through the same intake and writer as a server's, in this process."""

    def __init__(self, engine: IngestEngine) -> None:
        self._engine = engine
        self._known = _left_out(engine.counters.snapshot())

    def take(self, body: RequestBody) -> ValidatedBody:
        """Into the journal."""
        while True:
            try:
                return self._engine.intake.take(body)
            except Busy as full:
                _raise_if(self._engine.failures())
                time.sleep(min(full.retry_after_s, _POLL_INTERVAL_S))

    def keeps(self) -> RetentionWindow:
        """By our own configuration, and what the store has frozen."""
        config, frozen = self._engine.config, self._engine.store.state(_FROZEN)["frozen"][0].as_py()
        return RetentionWindow(config.retention, config.writer.trace_window, frozen)

    def settle(self) -> tuple[int, int]:
        """Until the writer has caught up with the journal."""
        while not self._engine.writer.drain(_POLL_INTERVAL_S):
            _raise_if(self._engine.failures())
        return _since(self._known, _left_out(self._engine.counters.snapshot()))


class ServerImport:
    """Over OTLP/HTTP. What it counts as known may include what others send at the same time."""

    def __init__(self, api: str, otlp_http: str, config: Config) -> None:
        token = config.auth.token or os.environ.get("CONTROLSURFACE_TOKEN", "")
        self._otlp = otlp_http
        self._config = config
        vocabularies, limits = load_conventions(config).vocabularies, BodyLimits.of(config.receiver)
        self._prompts = ContentPolicy(config.content, vocabularies, config.task_types.from_, limits)
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between us and our own server
        self._session.headers["Content-Type"] = "application/x-protobuf"
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"
        self._reader = RemoteClient(api, token)
        self._known = _told(self._reader.run(IngestQuery()))

    def take(self, body: RequestBody) -> ValidatedBody:
        """Checked here, so that the figures are exact; checked again there."""
        if len(body.data) > body.limit:
            raise TooLarge(f"{len(body.data)} bytes; receiver.max_http_body is {body.limit}")
        checked = validate_body(body.signal, body.data, body.encoding, self._prompts)
        if checked.accepted:
            self._post(body.signal, checked.payload)
        return checked

    def keeps(self) -> RetentionWindow:
        """By the configuration of the server."""
        answer = self._reader.run(retention_status.RetentionQuery())
        kept = {row["kind"]: timedelta(seconds=row["keep_s"]) for row in answer.rows.to_pylist()}
        frozen = answer.facts["frozen_before"]
        since = datetime.fromisoformat(frozen).astimezone(UTC) if frozen else None
        return RetentionWindow(RetentionConfig.model_validate(kept), self._config.writer.trace_window, since)

    def settle(self) -> tuple[int, int]:
        """Until nothing is pending there."""
        least, since = math.inf, time.monotonic()
        while (counts := self._reader.run(IngestQuery())).pending:
            if counts.pending < least:
                least, since = counts.pending, time.monotonic()
            elif time.monotonic() - since > _STALLED_TIMEOUT_S:
                raise Busy(f"the server does not store what it accepted: {'; '.join(self._reader.health())}")
            time.sleep(_POLL_INTERVAL_S)
        return _since(self._known, _told(counts))

    def _post(self, signal: str, payload: bytes) -> None:
        """Send, and again after as long as the server asks for. Raises TooLarge, BadBody, Busy, Unreachable."""
        until = time.monotonic() + _STALLED_TIMEOUT_S
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
