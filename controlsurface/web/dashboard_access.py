"""What `serve` tells the dashboard's process about its border, in its environment."""

import os
from dataclasses import dataclass, field
from typing import Any

import orjson

from controlsurface.config.server_access import AuthConfig, ServerConfig

ACCESS_ENVIRONMENT = "CONTROLSURFACE_ACCESS"


@dataclass(frozen=True, slots=True)
class DashboardAccess:
    """The address that the dashboard listens on, and the limits that it holds to; no token."""

    host: str = "127.0.0.1"
    server: ServerConfig = field(default_factory=ServerConfig)
    auth: AuthConfig = field(default_factory=AuthConfig)

    def as_text(self) -> str:
        """The same as an environment's value; durations in seconds."""
        auth = self.auth.model_dump(include={"max_failures", "failure_window", "session_age"})
        whole = {"host": self.host, "server": self.server.model_dump(), "auth": auth}
        return orjson.dumps(whole, lambda duration: duration.total_seconds()).decode()

    @staticmethod
    def told() -> "DashboardAccess":
        """As the environment says; on loopback, with every default, where it says nothing."""
        text = os.environ.get(ACCESS_ENVIRONMENT)
        if not text:
            return DashboardAccess()
        given: dict[str, Any] = orjson.loads(text)
        return DashboardAccess(
            given["host"], ServerConfig.model_validate(given["server"]), AuthConfig.model_validate(given["auth"])
        )
