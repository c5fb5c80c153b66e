"""What `serve` tells the dashboard's process about its border, in its environment."""

import os

import orjson

from controlsurface.config.section import ConfigSection
from controlsurface.config.server_access import AuthConfig, ServerConfig

ACCESS_ENVIRONMENT = "CONTROLSURFACE_ACCESS"


class DashboardAccess(ConfigSection):
    """The address that the dashboard listens on, and the limits that it holds to; no token."""

    host: str = "127.0.0.1"
    server: ServerConfig = ServerConfig()
    auth: AuthConfig = AuthConfig()

    def as_text(self) -> str:
        """The same as an environment's value; durations in seconds."""
        limits = {"max_failures", "failure_window", "session_age"}
        shown = self.model_dump(include={"host": True, "server": True, "auth": limits})
        return orjson.dumps(shown, lambda duration: duration.total_seconds()).decode()

    @staticmethod
    def told() -> "DashboardAccess":
        """As the environment says; on loopback, with every default, where it says nothing."""
        text = os.environ.get(ACCESS_ENVIRONMENT)
        return DashboardAccess.model_validate_json(text) if text else DashboardAccess()
