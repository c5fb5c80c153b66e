"""The ASGI application: routes, threads for the work, problems for the errors."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from controlsurface.api import cancellation
from controlsurface.api.alerts import SHAPED
from controlsurface.api.arguments import read, read_body, received
from controlsurface.api.auth import BearerToken, caller
from controlsurface.api.encode import encoded, json, plain
from controlsurface.api.exposition import Exposition
from controlsurface.api.families import CONTENT_TYPE
from controlsurface.api.health import alive, ready
from controlsurface.api.openapi import document
from controlsurface.api.problems import on_error, on_http, on_known, problem
from controlsurface.api.registry import COMMANDS, QUERIES
from controlsurface.config import Config
from controlsurface.errors import ControlSurfaceError
from controlsurface.limits import Limits
from controlsurface.reader import Reader
from controlsurface.reader.asking import Command, Query, arguments_of, body_of
from controlsurface.web import headers
from controlsurface.web.border import Border, Refusal
from controlsurface.web.hosts import HostPolicy
from controlsurface.web.pools import Pool
from controlsurface.web.refusals import Refusals

# What routers ask is small; the threads bound what a herd of them takes from the store.
ROUTER_THREADS, ROUTERS_WAITING = 4, 256
COMMAND_THREADS, COMMANDS_WAITING = 4, 64
# Readiness and scrapes answer however many queries wait, and readiness however many scrapes.
HEALTH_THREADS, SCRAPE_THREADS = 2, 2

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Pools:
    """The threads of one API, by what they are for."""

    queries: Pool
    routers: Pool
    commands: Pool
    health: Pool
    scrapes: Pool

    @staticmethod
    def of(config: Config, refusals: Refusals) -> "Pools":
        """As many as configured."""
        section = config.server
        return Pools(
            Pool("queries", section.max_queries, refusals, section.max_waiting_queries),
            Pool("questions of routers", ROUTER_THREADS, refusals, ROUTERS_WAITING),
            Pool("changes", COMMAND_THREADS, refusals, COMMANDS_WAITING),
            Pool("checks of health", HEALTH_THREADS, refusals),
            Pool("scrapes", SCRAPE_THREADS, refusals),
        )


def create_app(reader: Reader, config: Config, host: str = "127.0.0.1", refusals: Refusals | None = None) -> Starlette:
    """The API over `reader`, as it listens on `host`.

    With `auth.token` every address but the two health checks asks for it.
    """
    refusals = refusals or Refusals("api")
    pools, seconds = Pools.of(config, refusals), config.limits.query_time.total_seconds()
    exposition = Exposition(reader, refusals=refusals)
    ways: dict[str, dict[str, Endpoint]] = {}
    for query in QUERIES:
        ways.setdefault(query.endpoint.path, {})["GET"] = _reading(query, reader, pools, config.limits)
    for command in COMMANDS:
        ways.setdefault(command.endpoint.path, {})[command.endpoint.method] = _writing(command, reader, pools)
    routes = [_route(path, methods) for path, methods in ways.items()]
    routes += [
        Route("/healthz", alive),
        Route("/readyz", _threaded(lambda _: ready(reader), pools.health, seconds)),
        Route(
            "/metrics",
            _threaded(lambda _: Response(exposition.render(), media_type=CONTENT_TYPE), pools.scrapes, seconds),
        ),
        Route("/api/openapi.json", _threaded(lambda _: document(), pools.health, seconds)),
    ]
    policy = HostPolicy.of(host, config.server)
    border = Middleware(Border, policy=policy, refusals=refusals, headers=headers.API, answer=_refused)
    tokens = [Middleware(BearerToken, auth=config.auth, refusals=refusals)] if config.auth.token else []
    return Starlette(
        routes=routes,
        middleware=[border, *tokens],
        exception_handlers={ControlSurfaceError: on_known, HTTPException: on_http, Exception: on_error},
    )


def _refused(refusal: Refusal) -> ASGIApp:
    """What the border refused, as a problem."""
    return problem(refusal.status, refusal.title, refusal.text)


def _route(path: str, methods: Mapping[str, Endpoint]) -> Route:
    """One address, and what answers each method there."""

    async def endpoint(request: Request) -> Response:
        return await methods["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, endpoint, methods=[*methods])


def _reading(query: type[Query[Any]], reader: Reader, pools: Pools, limits: Limits) -> Endpoint:
    """The endpoint of a query: read the arguments, answer, encode as asked, within limits."""
    arguments, shaped = arguments_of(query), SHAPED.get(query)

    def work(request: Request) -> Response:
        made: Any = query  # a dataclass with these fields
        answer = reader.ask(made(arguments=read(arguments, request.query_params.multi_items()), **request.path_params))
        accept, known = (request.headers.get(name, "") for name in ("accept", "if-none-match"))
        form = partial(shaped, reader) if shaped else partial(plain, query.endpoint)
        return encoded(answer, query.endpoint, accept, form, known, limits.answer_size)

    pool = pools.routers if query.endpoint.pool == "routers" else pools.queries
    return _threaded(work, pool, limits.query_time.total_seconds())


def _writing(command: type[Command], reader: Reader, pools: Pools) -> Endpoint:
    """The endpoint of a command: read the body, make the change, answer with what it came to."""
    about, body_type = command.endpoint, body_of(command)
    pool = pools.queries if about.heavy else pools.commands

    async def endpoint(request: Request) -> Response:
        who = caller(request)
        who.may(about.role)
        body = await received(request)

        def work() -> Response:
            wanted = command.received(read_body(body_type, body), who.name, request.headers, **request.path_params)
            done = reader.do(wanted)
            return json(done, about.status, {"ETag": done[about.tag]} if about.tag else {})

        return await pool.run(work)

    return endpoint


def _threaded(work: Callable[[Request], Response], pool: Pool, seconds: float) -> Endpoint:
    """Run `work` in a thread, so that a slow query holds up nobody else, and only for a caller who waits."""

    async def endpoint(request: Request) -> Response:
        return await cancellation.run(work, request, pool, seconds)

    return endpoint
