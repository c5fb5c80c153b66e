"""Bodies of the demo's history over OTLP/HTTP: one connection, large bodies, and again what is not taken."""

import logging

import requests
from opentelemetry.sdk.trace.export import SpanExportResult

from controlsurface.demo.otlp_bodies import EncodedBody

POST_TIMEOUT_S = 60.0

_log = logging.getLogger(__name__)


class BodyExporter:
    """Posts bodies to one address."""

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between us and our own server
        self._session.headers["Content-Type"] = "application/x-protobuf"
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def export(self, body: EncodedBody) -> SpanExportResult:
        """Whether the receiver took it, in the SDK's words."""
        try:
            answer = self._session.post(self._url, body.data, timeout=POST_TIMEOUT_S)
        except requests.RequestException as problem:
            _log.warning("%s: %s", self._url, problem)
            return SpanExportResult.FAILURE
        if not answer.ok and answer.status_code not in {429, 503}:
            _log.warning("%s: %s %s", self._url, answer.status_code, answer.reason)
        return SpanExportResult.SUCCESS if answer.ok else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Close the connection."""
        self._session.close()
