"""Whether the collector answers at all: one short question for all sessions, beside the queries that may take long."""

import os
import threading
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic

import requests

PROBE_TIMEOUT_S = 1.5
PROBE_INTERVAL_S = 1.0
DEFAULT_ADDRESS = "http://127.0.0.1:8502"


def api_address() -> str:
    """Where the collector's API is."""
    return os.environ.get("CONTROLSURFACE_API", DEFAULT_ADDRESS)


class CollectorHealth:
    """What the last probe of an address found; used by any number of threads, of which one asks at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._address = ""
        self._probed_s = float("-inf")
        self._silent_since: datetime | None = None

    def silent_since(self) -> datetime | None:
        """When the collector stopped answering; None while it does. Takes PROBE_TIMEOUT_S at most."""
        with self._lock:
            address = api_address()
            if address != self._address or monotonic() - self._probed_s >= PROBE_INTERVAL_S:
                began = datetime.now(UTC)
                since = self._silent_since if address == self._address else None
                self._silent_since = None if _answers(address) else since or began
                self._address, self._probed_s = address, monotonic()
            return self._silent_since

    def is_silent(self) -> bool:
        """Whether it was silent when somebody last looked, and still is: nobody looks for the first time here."""
        return self._silent_since is not None and self.silent_since() is not None


def _answers(address: str) -> bool:
    """A stopped process still accepts connections, so only an answer counts."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(f"{address}/healthz", timeout=PROBE_TIMEOUT_S, allow_redirects=False)
        except requests.RequestException:
            return False
    return answer.status_code == HTTPStatus.OK


HEALTH = CollectorHealth()
