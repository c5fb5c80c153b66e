"""The client of a running server, over HTTP with tables as Arrow IPC, and which client a data directory takes."""

import os
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pyarrow as pa
from requests import RequestException, Response, Session
from requests.adapters import HTTPAdapter

from controlsurface import errors
from controlsurface.client.local_client import LocalClient
from controlsurface.client.query_protocol import Client, Command, Query, R
from controlsurface.config import Config
from controlsurface.errors import ControlSurfaceError, StoreInUse, Unreachable
from controlsurface.store.duckdb import DuckStore

ARROW_TYPE = "application/vnd.apache.arrow.stream"
JSON_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"
FACTS_METADATA_KEY = b"controlsurface"  # in a table's metadata: the facts beside its rows, as JSON
MAX_CONNECTIONS = 16


class RemoteClient:
    """Answers from the API at `url`. Connections are kept and may be used by any number of threads."""

    def __init__(self, url: str, token: str = "", timeout_s: float = 35) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._session = Session()
        self._session.trust_env = False  # a proxy has no business between us and our own server
        self._session.mount("http", HTTPAdapter(pool_connections=1, pool_maxsize=MAX_CONNECTIONS))
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def run(self, query: Query[R]) -> R:
        """The answer of the server, at the query's address."""
        accept = ARROW_TYPE if query.endpoint.arrow else JSON_TYPE
        answer = self._answer(query.path, query.arguments.pairs(), accept)
        if answer.status_code != HTTPStatus.OK or not _is(answer, accept):
            raise _error(self._url, answer)
        found: R = query.result(*(_table if query.endpoint.arrow else _json)(answer.content))
        return found

    def execute(self, command: Command) -> Mapping[str, Any]:
        """Let the server make the change."""
        body = command.body.model_dump(mode="json")
        answer = self._asked(command.endpoint.method, command.path, JSON_TYPE, command.conditions, json=body)
        if not answer.ok or not _is(answer, JSON_TYPE):
            raise _error(self._url, answer)
        found: dict[str, Any] = orjson.loads(answer.content)
        return found

    def health(self) -> tuple[str, ...]:
        """Why the server takes no traffic."""
        answer = self._answer("/readyz", (), JSON_TYPE)
        if answer.status_code not in {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE} or not _is(answer, JSON_TYPE):
            raise _error(self._url, answer)
        return tuple(orjson.loads(answer.content)["reasons"])

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _answer(self, path: str, pairs: Sequence[tuple[str, str]], accept: str) -> Response:
        """Whatever the server says to a GET."""
        return self._asked("GET", path, accept, params=list(pairs))

    def _asked(
        self, method: str, path: str, accept: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Response:
        """Whatever the server says. Raises Unreachable when it says nothing."""
        try:
            more |= {"headers": {**(headers or {}), "Accept": accept}, "timeout": self._timeout_s}
            return self._session.request(method, self._url + path, allow_redirects=False, **more)
        except RequestException as problem:
            raise Unreachable(f"{self._url}: {type(problem).__name__}; is the server running?") from None


def _table(content: bytes) -> tuple[pa.Table, Any]:
    """An answer's rows, and the facts beside them."""
    with pa.ipc.open_stream(content) as stream:
        table = stream.read_all()
    facts = orjson.loads((table.schema.metadata or {}).get(FACTS_METADATA_KEY, b"{}"))
    return table.replace_schema_metadata(None), facts


def _json(content: bytes) -> tuple[pa.Table, Any]:
    """The same of an answer that is not a table: rows alone, or facts alone. Arrow's own way would load pandas."""
    found = orjson.loads(content)
    return (pl.from_dicts(found).to_arrow(), {}) if isinstance(found, list) else (pa.table({}), found)


def _is(answer: Response, media_type: str) -> bool:
    """Whether an answer is of that type."""
    return answer.headers.get("content-type", "").startswith(media_type)


def _error(url: str, answer: Response) -> ControlSurfaceError:
    """The server's error as the class that it was there; Unreachable where no problem of ours was sent."""
    body = orjson.loads(answer.content) if _is(answer, PROBLEM_TYPE) else {}
    kind = getattr(errors, str(body.get("error")), None)
    if not (isinstance(kind, type) and issubclass(kind, ControlSurfaceError)):
        return Unreachable(f"{url}: answered {answer.status_code} {answer.reason}")
    error = kind.__new__(kind)  # UnknownName makes its text itself; here the text is there already
    error.args = (body.get("detail", ""),)
    return error


SERVER_FILE = "server.json"


def connect_client(data: Path, token: str | None = None, wait_s: float = 5, config: Config | None = None) -> Client:
    """A reader of the data directory; `token` defaults to $CONTROLSURFACE_TOKEN.

    A server that is just starting or stopping is given `wait_s`. Raises StoreInUse when it still says nothing.
    """
    until = time.monotonic() + wait_s
    while True:
        try:
            return LocalClient(DuckStore.open(data), config=config)
        except StoreInUse:
            url = _served(data)
            if url:
                return RemoteClient(url, os.environ.get("CONTROLSURFACE_TOKEN", "") if token is None else token)
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _served(data: Path) -> str | None:
    """The address that the owner of the data directory wrote down."""
    try:
        return str(orjson.loads((data / SERVER_FILE).read_bytes())["api"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
