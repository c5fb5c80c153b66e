"""The ASGI application: routes, threads for the work, problems for the errors."""

from collections.abc import Awaitable, Callable, Mapping

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controlsurface.api import cancellation
from controlsurface.api.arguments import read
from controlsurface.api.auth import BearerToken, caller
from controlsurface.api.encode import encoded, json
from controlsurface.api.exposition import Exposition
from controlsurface.api.families import CONTENT_TYPE
from controlsurface.api.health import alive, ready
from controlsurface.api.openapi import document
from controlsurface.api.operation import Operation
from controlsurface.api.operations import OPERATIONS
from controlsurface.api.problems import on_error, on_http, on_known
from controlsurface.api.telling import Call, Telling, received
from controlsurface.api.telling import read as read_body
from controlsurface.api.tellings import TELLINGS
from controlsurface.config import Config
from controlsurface.errors import ControlSurfaceError
from controlsurface.limits import Limits
from controlsurface.reader import Reader

# More queries at once only wait for each other's cores.
THREADS = 16
# Health answers however many queries wait.
HEALTH_THREADS = 4

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(reader: Reader, config: Config) -> Starlette:
    """The API over `reader`; with `auth.token` every address but the two health checks asks for it."""
    limiter, apart, limits = CapacityLimiter(THREADS), CapacityLimiter(HEALTH_THREADS), config.limits
    seconds = limits.query_time.total_seconds()
    exposition = Exposition(reader)
    ways: dict[str, dict[str, Endpoint]] = {}
    for asked in OPERATIONS:
        ways.setdefault(asked.path, {})["GET"] = _endpoint(asked, reader, limiter, limits)
    for told in TELLINGS:
        ways.setdefault(told.path, {})[told.method] = _teller(told, reader, limiter)
    routes = [_route(path, methods) for path, methods in ways.items()]
    routes += [
        Route("/healthz", alive),
        Route("/readyz", _threaded(lambda _: ready(reader), apart, seconds)),
        Route("/metrics", _threaded(lambda _: Response(exposition.render(), media_type=CONTENT_TYPE), apart, seconds)),
        Route("/api/openapi.json", _threaded(lambda _: document(), apart, seconds)),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(BearerToken, auth=config.auth)] if config.auth.token else [],
        exception_handlers={ControlSurfaceError: on_known, HTTPException: on_http, Exception: on_error},
    )


def _route(path: str, methods: Mapping[str, Endpoint]) -> Route:
    """One address, and what answers each method there."""

    async def endpoint(request: Request) -> Response:
        return await methods["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, endpoint, methods=[*methods])


def _endpoint(operation: Operation, reader: Reader, limiter: CapacityLimiter, limits: Limits) -> Endpoint:
    """One operation as an endpoint: read the arguments, answer, encode as asked, within limits."""

    def work(request: Request) -> Response:
        arguments = read(operation.arguments, request.query_params.multi_items())
        answer = operation.answer(reader, arguments, request.path_params)
        accept, known = (request.headers.get(name, "") for name in ("accept", "if-none-match"))
        return encoded(answer, accept, known, limits.answer_size)

    return _threaded(work, limiter, limits.query_time.total_seconds())


def _teller(telling: Telling, reader: Reader, limiter: CapacityLimiter) -> Endpoint:
    """One telling as an endpoint: read the body, keep what it says, answer with it."""

    async def endpoint(request: Request) -> Response:
        call = Call(caller(request), request.path_params, request.headers)
        call.caller.may(telling.role)
        body = await received(request)

        def work() -> Response:
            told = telling.keep(reader, read_body(telling.body, body), call)
            return json(told.answer, telling.status, told.headers)

        return await to_thread.run_sync(work, limiter=limiter)

    return endpoint


def _threaded(work: Callable[[Request], Response], limiter: CapacityLimiter, seconds: float) -> Endpoint:
    """Run `work` in a thread, so that a slow query holds up nobody else, and only for a caller who waits."""

    async def endpoint(request: Request) -> Response:
        return await cancellation.run(work, request, limiter, seconds)

    return endpoint
