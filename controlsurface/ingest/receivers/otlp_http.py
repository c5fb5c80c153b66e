"""The OTLP/HTTP receiver, with deadlines for slow senders."""

import sys

from controlsurface.config import Config
from controlsurface.ingest.receivers.intake import Intake
from controlsurface.ingest.receivers.otlp_http_app import OtlpApp
from controlsurface.web.connections import HttpConnectionLimits, limited_protocol
from controlsurface.web.listener import Listener
from controlsurface.web.refusal_counter import RefusalCounter

HEAD_TIMEOUT_S = 30  # from the connection, or a request's first byte, to the end of its head
BODY_TIMEOUT_S = 60  # from there to the end of its body
IDLE_TIMEOUT_S = 75  # between requests; exporters that batch send every few seconds


class HttpReceiver:
    """Holds its port at once, and takes OTLP/HTTP between `start` and `stop`. Raises PortInUse."""

    def __init__(
        self,
        intake: Intake,
        settings: Config,
        host: str,
        port: int,
        refusals: RefusalCounter | None = None,
        most_connections: int = sys.maxsize,
    ) -> None:
        known = refusals or RefusalCounter("otlp_http")
        protocol = limited_protocol(HttpConnectionLimits(most_connections, HEAD_TIMEOUT_S, BODY_TIMEOUT_S), known)
        self._listener = Listener(
            "otlp_http", OtlpApp(intake, settings, host, known), host, port, protocol, IDLE_TIMEOUT_S
        )

    def start(self) -> int:
        """Take bodies; the bound port."""
        return self._listener.start().port

    def stop(self, grace_s: float) -> None:
        """Take no new bodies; answer those under way, for at most `grace_s`."""
        self._listener.stop(grace_s)
