"""What `serve` was asked for, the ports it listens on, and the command lines of its parts that follow from it."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from controlsurface import shipped_paths
from controlsurface.config import Config
from controlsurface.demo.loading_progress import PROGRESS_ENVIRONMENT, PROGRESS_FILE
from controlsurface.errors import ConfigError
from controlsurface.serve.child_process import ProcessSpec
from controlsurface.web.dashboard_access import ACCESS_ENVIRONMENT, DashboardAccess
from controlsurface.web.listener import hold_ports, url
from controlsurface.web.request_guard import is_loopback


@dataclass(frozen=True, slots=True)
class ListenPorts:
    """One port a ready line; 0 asks for any free one."""

    api: int
    otlp_http: int
    otlp_grpc: int
    dashboard: int


@contextmanager
def reserve_ports(host: str, ports: ListenPorts) -> Iterator[ListenPorts]:
    """The same ports with a free one in place of each 0. Raises PortInUse naming every port that is taken.

    Linux lets our parts listen on a port that we have bound and do not listen on, and gives it to nobody else: there
    they stay bound, so that no port is lost before a part takes it or while one is started again.
    """
    with ExitStack() as held:  # all at once, so that no two get the same
        found = hold_ports(held, host, asdict(ports))
        if sys.platform != "linux":
            held.close()
        yield ListenPorts(**found)


def require_token(host: str, token: str) -> None:
    """Refuse to be reachable from elsewhere without a token. Raises ConfigError."""
    if not is_loopback(host) and not token:
        hint = "set `token` under [auth] in the configuration, or listen on 127.0.0.1"
        raise ConfigError(f"--host {host}: others could read and write everything; {hint}")


HISTORY_LENGTH, DENSE_LENGTH = "28d", "10d"
DEMO_RATE = 0.25  # requests a second on average, of the last days and of now
INCIDENT_AGE = "450m"  # the incident of the history began, and goes on: a day's view shows before and after
_DASHBOARD_SCRIPT = Path(__file__).parent.parent / "ui" / "app" / "server.py"
# Pages and answers run in many short threads: glibc would keep a heap for each, Arrow a pool, which nobody uses.
_LOW_MEMORY_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The command's flags, checked."""

    data: Path
    host: str
    ports: ListenPorts
    config: Config
    config_file: Path | None = None
    demo: bool = False
    alerts: tuple[Path, ...] = ()

    @property
    def api(self) -> str:
        """Where the parts find the API."""
        return url(self.host, self.ports.api)

    @property
    def otlp(self) -> str:
        """Where routers send, the simulated one and those that the dashboard tells."""
        return url(self.host, self.ports.otlp_http)


def collector_process(options: ServeOptions) -> ProcessSpec:
    """Receivers, store and API: announces its own addresses."""
    ports = options.ports
    return ProcessSpec(
        "collector",
        (
            *_python("controlsurface.collector"),
            *("--data", str(options.data), "--host", options.host, "--api-port", str(ports.api)),
            *("--otlp-http-port", str(ports.otlp_http), "--otlp-grpc-port", str(ports.otlp_grpc)),
            *(("--config", str(options.config_file)) if options.config_file else ()),
            *(("--demo",) if options.demo else ()),
            *(word for place in options.alerts for word in ("--alerts", str(place))),
        ),
        announces=("api", "otlp_http", "otlp_grpc"),
        environment={**os.environ, **_LOW_MEMORY_ENVIRONMENT},
    )


def dashboard_process(options: ServeOptions) -> ProcessSpec:
    """The pages, under Streamlit: up when its health page answers."""
    return ProcessSpec(
        "dashboard",
        (
            *(*_python("controlsurface.serve.dashboard"), "run", str(_DASHBOARD_SCRIPT)),
            *("--server.address", options.host, "--server.port", str(options.ports.dashboard)),
            *("--logger.hideWelcomeMessage", "true"),  # which would ask the internet for our own address
        ),
        url=url(options.host, options.ports.dashboard),
        health="/_stcore/health",
        environment={**_LOW_MEMORY_ENVIRONMENT, **_environment(options)},
        folder=shipped_paths.DASHBOARDS,
    )


def demo_history_process(options: ServeOptions) -> ProcessSpec:
    """Four weeks of simulated traffic with an incident in its last hours, then traffic of now."""
    return replace(_simulation(options, "--backfill", HISTORY_LENGTH, "--dense", DENSE_LENGTH), once=True)


def demo_traffic_process(options: ServeOptions) -> ProcessSpec:
    """Simulated traffic of now, without end; the incident of the history goes on."""
    return _simulation(options)


def _simulation(options: ServeOptions, *more: str) -> ProcessSpec:
    argv = (*_python("controlsurface.cli"), "demo", "--endpoint", options.otlp, "--scenario", "incident")
    argv = (*argv, "--event-ago", INCIDENT_AGE, "--rate", str(DEMO_RATE), *more)
    return ProcessSpec("demo", argv, environment=_environment(options))


def _python(module: str) -> tuple[str, ...]:
    return sys.executable, "-m", module


def _environment(options: ServeOptions) -> Mapping[str, str]:
    """What a client of the collector needs to know; no token ever shows in a list of processes."""
    auth = options.config.auth
    people = {each.token: each.name for each in auth.tokens} | ({auth.read_token: ""} if auth.read_token else {})
    access = DashboardAccess(host=options.host, server=options.config.server, auth=auth)
    own = {"CONTROLSURFACE_API": options.api, "CONTROLSURFACE_TOKEN": auth.token, ACCESS_ENVIRONMENT: access.as_text()}
    own |= {"CONTROLSURFACE_OTLP": options.otlp, "CONTROLSURFACE_TRACE_URL": options.config.server.trace_url}
    if options.demo:
        own |= {PROGRESS_ENVIRONMENT: str(options.data / PROGRESS_FILE)}
    return {**os.environ, **own, "CONTROLSURFACE_PEOPLE": json.dumps(people)}
