"""What `serve` tells the dashboard's process about its border, in its environment."""

import os
from dataclasses import dataclass, field
from typing import Any

import orjson

from controlsurface.access import Auth, Server

ACCESS = "CONTROLSURFACE_ACCESS"


@dataclass(frozen=True, slots=True)
class Access:
    """The address that the dashboard listens on, and the limits that it holds to; no token."""

    host: str = "127.0.0.1"
    server: Server = field(default_factory=Server)
    auth: Auth = field(default_factory=Auth)

    def as_text(self) -> str:
        """The same as an environment's value; durations in seconds."""
        auth = self.auth.model_dump(include={"max_failures", "failure_window", "session_age"})
        whole = {"host": self.host, "server": self.server.model_dump(), "auth": auth}
        return orjson.dumps(whole, lambda duration: duration.total_seconds()).decode()

    @staticmethod
    def told() -> "Access":
        """As the environment says; on loopback, with every default, where it says nothing."""
        text = os.environ.get(ACCESS)
        if not text:
            return Access()
        given: dict[str, Any] = orjson.loads(text)
        return Access(given["host"], Server.model_validate(given["server"]), Auth.model_validate(given["auth"]))
