"""Who may reach the servers, under which names, and with which token: `[server]` and `[auth]`."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from controlsurface.config.section import ConfigSection, Duration, Secret, SensitiveAddress

MIN_TOKEN_CHARACTERS = 16  # at 800 guesses a second, random ones of this length outlast the hardware


def _host(text: str) -> str:
    """A name as it stands in a Host header, without its port. Raises ValueError."""
    name = text.removeprefix("*.")
    if not name or any(each in name for each in "/:@*?# "):
        raise ValueError(f"'{text}' is no host name; write one like cs.example.com or *.example.com, without a port")
    return text.lower().rstrip(".")


def _origin(text: str) -> str:
    """A page's origin: scheme, host and port, nothing behind. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/") or parts.query:
        raise ValueError(f"'{text}' is no origin; write one like https://portal.example.com")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _trace_url(text: str) -> str:
    """An address with a place for the trace's id. Raises ValueError."""
    parts = urlsplit(text)
    if text and (parts.scheme not in {"http", "https"} or not parts.netloc or "{trace_id}" not in text):
        raise ValueError(
            f"'{text}' is no address of a trace; write one like https://tracer.example.com/trace/{{trace_id}}"
        )
    return text


class ServerConfig(ConfigSection):
    """What all HTTP servers hold to: API, dashboard, and the names of OTLP over HTTP."""

    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(
        (),
        description="names under which browsers and senders reach this server, such as `cs.example.com` or "
        "`*.svc.cluster.local`; loopback always is one, and with `--host` elsewhere so are addresses",
    )
    origins: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field(
        (), description="origins of other pages that may change something, such as `https://portal.example.com`"
    )
    frame_ancestors: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field(
        (), description="origins of pages that may show the dashboard in a frame"
    )
    trace_url: Annotated[str, SensitiveAddress(), AfterValidator(_trace_url)] = Field(
        "",
        description="how your tracer writes the address of a trace, such as "
        "`https://tracer.example.com/trace/{trace_id}`; `{start_ms}` and `{end_ms}` are an hour before and "
        "after. Traces then have a button that opens it",
    )
    max_connections: int = Field(
        256, ge=8, description="connections to the API, and as many to the dashboard; the longest idle one makes room"
    )
    head_timeout: Duration = Field(
        timedelta(seconds=15), gt=timedelta(0), description="from a connection, or a first byte, to the end of a head"
    )
    body_timeout: Duration = Field(timedelta(seconds=30), gt=timedelta(0), description="from there to a body's end")
    max_queries: int = Field(
        16, gt=0, le=256, description="queries answered at once; policy, sampling and health wait for none of them"
    )
    max_waiting_queries: int = Field(64, ge=0, description="queries that wait for these; more are told 503")


Role = Literal["viewer", "operator", "admin"]  # each may do what those before it may


class TokenConfig(ConfigSection):
    """A person's token."""

    name: str = Field(min_length=1, max_length=100, description="whose it is; written beside each change")
    token: Secret = Field(min_length=8, repr=False, description="the bearer token")
    role: Role = Field("viewer", description="viewer reads, operator also labels and tells, admin also sets policies")


class AuthConfig(ConfigSection):
    """Off on loopback; needed to listen elsewhere."""

    token: Secret = Field(
        "", repr=False, description="bearer token asked of every reader and sender; may do everything"
    )
    ingest_token: Secret = Field("", repr=False, description="token beside it for senders: OTLP, and nothing else")
    read_token: Secret = Field("", repr=False, description="token beside it for readers, such as Prometheus: only GET")
    tokens: tuple[TokenConfig, ...] = Field(
        (), description="tokens of people beside it: `{name, token, role}`, role viewer, operator or admin"
    )
    max_failures: int = Field(10, gt=0, description="wrong tokens of one client within `failure_window`; then 429")
    failure_window: Duration = Field(
        timedelta(minutes=1), gt=timedelta(0), le=timedelta(days=1), description="within which they count"
    )
    session_age: Duration = Field(
        timedelta(days=7),
        ge=timedelta(minutes=5),
        le=timedelta(days=90),
        description="how long a sign-in to the dashboard lasts",
    )

    @model_validator(mode="after")
    def _guarded(self) -> "AuthConfig":
        """Other tokens mean nothing while everybody is let in."""
        if not self.token and next(self.others(), None):
            raise ValueError("tokens are asked for only where `token` is set; set it")
        known = [self.token, *(token for _, token in self.others())]
        if len({*known}) < len(known):
            raise ValueError("two tokens are the same; each must be its owner's alone")
        return self

    def others(self) -> Iterator[tuple[str, str]]:
        """Every token beside `token`, with its key in the file."""
        yield from ((key, token) for key in ("ingest_token", "read_token") if (token := getattr(self, key)))
        yield from ((f"tokens.{i}.token", each.token) for i, each in enumerate(self.tokens))

    def senders(self) -> tuple[str, ...]:
        """The tokens that OTLP takes; none: it asks for none."""
        return tuple(token for token in (self.token, self.ingest_token) if token)

    def weak(self) -> Iterator[str]:
        """The keys of tokens that are too short to be no guess."""
        for key, token in (("token", self.token), *self.others()):
            if 0 < len(token) < MIN_TOKEN_CHARACTERS:
                yield key
