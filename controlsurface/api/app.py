"""The ASGI application: routes, health, threads for the work of callers who wait, problems for the errors."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from controlsurface.alerting.alert_queries import AlertRulesQuery
from controlsurface.api.auth import BearerTokenMiddleware, caller_of
from controlsurface.api.openapi import openapi_response
from controlsurface.api.prometheus_alerts import SHAPED
from controlsurface.api.prometheus_metrics import Exposition
from controlsurface.api.query_string import parse_arguments, read_body, received
from controlsurface.api.registry import COMMANDS, QUERIES
from controlsurface.api.response_encoding import ERROR_HANDLERS, encode_response, json_response, plain, problem_response
from controlsurface.client import Client
from controlsurface.client.query_protocol import Command, Query, arguments_of, body_of
from controlsurface.config import Config
from controlsurface.config.query_limits import LimitsConfig
from controlsurface.store.query_budget import QueryBudget, spend_budget
from controlsurface.web.refusal_counter import RefusalCounter
from controlsurface.web.request_guard import API_HEADERS, HostPolicy, Refusal, RequestGuard
from controlsurface.web.work_pools import WorkPool


async def run_for_caller(
    work: Callable[[Request], Response], request: Request, pool: WorkPool, seconds: float
) -> Response:
    """The answer. When the caller closes the connection its statements are stopped, and what waits is not begun."""

    def checked() -> Response:
        budget.check()
        return work(request)

    with spend_budget(QueryBudget(seconds)) as budget:
        watch = asyncio.ensure_future(_until_gone(request, budget))
        try:
            return await pool.run(checked)
        finally:
            watch.cancel()


async def _until_gone(request: Request, budget: QueryBudget) -> None:
    """Wait for the caller to go, then stop what is done for it."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    budget.cancel()


async def health_response(_: Request) -> Response:
    """The process answers; asks nothing of the store."""
    return json_response({"alive": True})


def readiness_response(reader: Client) -> Response:
    """200 when traffic is taken, else 503 with the reasons. `warnings` keep nobody from being ready."""
    reasons = reader.health()
    warnings = _warnings(reader)
    about = {"ready": not reasons, "reasons": list(reasons), **({"warnings": warnings} if warnings else {})}
    return json_response(about, 503 if reasons else 200)


def _warnings(reader: Client) -> list[str]:
    """What is wrong with rule files; nothing where the store cannot say."""
    try:
        found: list[str] = reader.run(AlertRulesQuery()).facts["warnings"]
    except Exception:  # noqa: BLE001 - whatever ails the store, readiness is told by the reasons
        return []
    return found


# What routers ask is small; the threads bound what a herd of them takes from the store.
ROUTER_THREADS, MAX_WAITING_ROUTERS = 4, 256
COMMAND_THREADS, MAX_WAITING_COMMANDS = 4, 64
# Readiness and scrapes answer however many queries wait, and readiness however many scrapes.
HEALTH_THREADS, SCRAPE_THREADS = 2, 2

AsgiEndpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class ThreadPools:
    """The threads of one API, by what they are for."""

    queries: WorkPool
    routers: WorkPool
    commands: WorkPool
    health: WorkPool
    scrapes: WorkPool

    @staticmethod
    def of(config: Config, refusals: RefusalCounter) -> "ThreadPools":
        """As many as configured."""
        section = config.server
        return ThreadPools(
            WorkPool("queries", section.max_queries, refusals, section.max_waiting_queries),
            WorkPool("questions of routers", ROUTER_THREADS, refusals, MAX_WAITING_ROUTERS),
            WorkPool("changes", COMMAND_THREADS, refusals, MAX_WAITING_COMMANDS),
            WorkPool("checks of health", HEALTH_THREADS, refusals),
            WorkPool("scrapes", SCRAPE_THREADS, refusals),
        )


def create_app(
    reader: Client, config: Config, host: str = "127.0.0.1", refusals: RefusalCounter | None = None
) -> Starlette:
    """The API over `reader`, as it listens on `host`.

    With `auth.token` every address but the two health checks asks for it.
    """
    refusals = refusals or RefusalCounter("api")
    pools, seconds = ThreadPools.of(config, refusals), config.limits.query_time.total_seconds()
    exposition = Exposition(reader, refusals=refusals)
    ways: dict[str, dict[str, AsgiEndpoint]] = {}
    for query in QUERIES:
        ways.setdefault(query.endpoint.path, {})["GET"] = _reading(query, reader, pools, config.limits)
    for command in COMMANDS:
        ways.setdefault(command.endpoint.path, {})[command.endpoint.method] = _writing(command, reader, pools)
    routes = [_route(path, methods) for path, methods in ways.items()]
    routes += [
        Route("/healthz", health_response),
        Route("/readyz", _threaded(lambda _: readiness_response(reader), pools.health, seconds)),
        Route("/metrics", _threaded(exposition.response, pools.scrapes, seconds)),
        Route("/api/openapi.json", _threaded(lambda _: openapi_response(), pools.health, seconds)),
    ]
    policy = HostPolicy.of(host, config.server)
    border = Middleware(RequestGuard, policy=policy, refusals=refusals, headers=API_HEADERS, answer=_refused)
    tokens = [Middleware(BearerTokenMiddleware, auth=config.auth, refusals=refusals)] if config.auth.token else []
    return Starlette(routes=routes, middleware=[border, *tokens], exception_handlers=ERROR_HANDLERS)


def _refused(refusal: Refusal) -> ASGIApp:
    """What the border refused, as a problem."""
    return problem_response(refusal.status, refusal.title, refusal.text)


def _route(path: str, methods: Mapping[str, AsgiEndpoint]) -> Route:
    """One address, and what answers each method there."""

    async def endpoint(request: Request) -> Response:
        return await methods["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, endpoint, methods=[*methods])


def _reading(query: type[Query[Any]], reader: Client, pools: ThreadPools, limits: LimitsConfig) -> AsgiEndpoint:
    """The endpoint of a query: read the arguments, answer, encode as asked, within limits."""
    arguments, shaped = arguments_of(query), SHAPED.get(query)

    def work(request: Request) -> Response:
        made: Any = query  # a dataclass with these fields
        given = parse_arguments(arguments, request.query_params.multi_items())
        answer = reader.run(made(arguments=given, **request.path_params))
        accept, known = (request.headers.get(name, "") for name in ("accept", "if-none-match"))
        form = partial(shaped, reader) if shaped else partial(plain, query.endpoint)
        return encode_response(answer, query.endpoint, accept, form, known, limits.answer_size)

    pool = pools.routers if query.endpoint.pool == "routers" else pools.queries
    return _threaded(work, pool, limits.query_time.total_seconds())


def _writing(command: type[Command], reader: Client, pools: ThreadPools) -> AsgiEndpoint:
    """The endpoint of a command: read the body, make the change, answer with what it came to."""
    about, body_type = command.endpoint, body_of(command)
    pool = pools.queries if about.heavy else pools.commands

    async def endpoint(request: Request) -> Response:
        who = caller_of(request)
        who.may(about.role)
        body = await received(request)

        def work() -> Response:
            wanted = command.received(read_body(body_type, body), who.name, request.headers, **request.path_params)
            done = reader.execute(wanted)
            return json_response(done, about.status, {"ETag": done[about.tag]} if about.tag else {})

        return await pool.run(work)

    return endpoint


def _threaded(work: Callable[[Request], Response], pool: WorkPool, seconds: float) -> AsgiEndpoint:
    """Run `work` in a thread, so that a slow query holds up nobody else, and only for a caller who waits."""

    async def endpoint(request: Request) -> Response:
        return await run_for_caller(work, request, pool, seconds)

    return endpoint
