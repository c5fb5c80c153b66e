"""The reader of a running server: the same answers over HTTP, tables as Arrow IPC."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
import pyarrow as pa
from requests import RequestException, Response, Session
from requests.adapters import HTTPAdapter

from controlsurface import errors
from controlsurface.errors import ControlSurfaceError, Unreachable
from controlsurface.metrics.arguments import Arguments
from controlsurface.metrics.claims import Claim
from controlsurface.metrics.contributors import ContributorsArgs
from controlsurface.metrics.events import Event, EventsArgs
from controlsurface.metrics.histogram import DistributionArgs
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.query import QueryArgs
from controlsurface.metrics.values import DimensionArgs
from controlsurface.money.attribution import AttributionArgs
from controlsurface.reader.asking import Answer, Order, Question
from controlsurface.reader.contributors import Contributors
from controlsurface.reader.listing import RequestsArgs
from controlsurface.reader.reader import Ingest, Page, QueryAnswer, RequestDetail

ARROW = "application/vnd.apache.arrow.stream"
JSON = "application/json"
PROBLEM = "application/problem+json"
CONNECTIONS = 16


class RemoteReader:
    """Answers from the API at `url`. Connections are kept and may be used by any number of threads."""

    def __init__(self, url: str, token: str = "", timeout_s: float = 35) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._session = Session()
        self._session.trust_env = False  # a proxy has no business between us and our own server
        self._session.mount("http", HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS))
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def metrics(self) -> list[Metric]:
        """The server's catalogue."""
        return [_metric(each) for each in self._json("/api/v1/metrics")]

    def query(self, args: QueryArgs) -> QueryAnswer:
        """One metric."""
        rows, facts = self._table("/api/v1/query", args)
        return QueryAnswer(rows=rows, **facts)

    def distribution(self, args: DistributionArgs) -> pa.Table:
        """Bins of a column."""
        return self._table("/api/v1/distribution", args)[0]

    def dimensions(self, args: DimensionArgs) -> pa.Table:
        """Values of dimensions."""
        return self._table("/api/v1/dimensions", args)[0]

    def attribution(self, args: AttributionArgs) -> pa.Table:
        """A week's calls."""
        return self._table("/api/v1/attribution", args)[0]

    def contributors(self, args: ContributorsArgs) -> Contributors:
        """What is different."""
        rows, facts = self._table("/api/v1/contributors", args)
        return Contributors(rows=rows, **facts)

    def events(self, args: EventsArgs) -> pa.Table:
        """Changes, told and found."""
        return self._table("/api/v1/events", args)[0]

    def tell(self, event: Event) -> None:
        """Keep a change."""
        self._tell("/api/v1/events", event)

    def lanes(self) -> pa.Table:
        """The lanes in force."""
        return self._table("/api/v1/lanes")[0]

    def claim(self, claim: Claim) -> None:
        """Put a model into a lane."""
        self._tell("/api/v1/lanes", claim)

    def requests(self, args: RequestsArgs) -> Page:
        """A page of requests."""
        rows, facts = self._table("/api/v1/requests", args)
        return Page(rows, facts["next"])

    def request(self, request_id: str, near: datetime | None = None) -> RequestDetail:
        """One request."""
        return RequestDetail.of(self._table(f"/api/v1/requests/{quote(request_id, safe='')}", near=near)[0])

    def trace(self, trace_id: str, near: datetime | None = None) -> Mapping[str, Any]:
        """A trace's spans."""
        found: dict[str, Any] = self._json(f"/api/v1/traces/{quote(trace_id, safe='')}", near=near)
        return found

    def ingest(self) -> Ingest:
        """What was received."""
        found = self._json("/api/v1/ingest")
        last = found.pop("last_accepted_at")
        return Ingest(**found, last_accepted_at=datetime.fromisoformat(last) if last else None)

    def sources(self) -> pa.Table:
        """Who sends."""
        return self._table("/api/v1/sources")[0]

    def unrecognised(self) -> pa.Table:
        """Attribute keys that nothing reads."""
        return self._table("/api/v1/unrecognised")[0]

    def dropped(self) -> pa.Table:
        """Keys under which content was not stored."""
        return self._table("/api/v1/dropped")[0]

    def ask(self, question: Question) -> Answer:
        """The answer of the server, at the question's address."""
        return Answer(*self._table(question.path, question.arguments))

    def do(self, order: Order) -> Mapping[str, Any]:
        """Let the server make the change."""
        body = order.body.model_dump(mode="json")
        answer = self._asked(order.method, order.path, JSON, order.headers, json=body)
        if not answer.ok or not _is(answer, JSON):
            raise _error(self._url, answer)
        found: dict[str, Any] = orjson.loads(answer.content)
        return found

    def health(self) -> tuple[str, ...]:
        """Why the server takes no traffic."""
        answer = self._answer("/readyz", (), JSON)
        if answer.status_code not in {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE} or not _is(answer, JSON):
            raise _error(self._url, answer)
        return tuple(orjson.loads(answer.content)["reasons"])

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _tell(self, path: str, body: Arguments) -> None:
        """POST what is to be kept."""
        answer = self._asked("POST", path, JSON, json=body.model_dump(mode="json"))
        if answer.status_code != HTTPStatus.CREATED:
            raise _error(self._url, answer)

    def _json(self, path: str, near: datetime | None = None) -> Any:
        """An answer that is not a table."""
        return orjson.loads(self._checked(path, _near(near), JSON).content)

    def _table(self, path: str, args: Arguments | None = None, near: datetime | None = None) -> tuple[pa.Table, Any]:
        """An answer's rows, and the facts beside them."""
        answer = self._checked(path, args.pairs() if args else _near(near), ARROW)
        with pa.ipc.open_stream(answer.content) as stream:
            table = stream.read_all()
        facts = orjson.loads((table.schema.metadata or {}).get(b"controlsurface", b"{}"))
        return table.replace_schema_metadata(None), facts

    def _checked(self, path: str, pairs: list[tuple[str, str]], accept: str) -> Response:
        """The answer, or the server's own error raised here."""
        answer = self._answer(path, pairs, accept)
        if answer.status_code != HTTPStatus.OK or not _is(answer, accept):
            raise _error(self._url, answer)
        return answer

    def _answer(self, path: str, pairs: Sequence[tuple[str, str]], accept: str) -> Response:
        """Whatever the server says to a GET."""
        return self._asked("GET", path, accept, params=list(pairs))

    def _asked(
        self, method: str, path: str, accept: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Response:
        """Whatever the server says. Raises Unreachable when it says nothing."""
        try:
            return self._session.request(
                method,
                self._url + path,
                headers={**(headers or {}), "Accept": accept},
                timeout=self._timeout_s,
                allow_redirects=False,
                **more,
            )
        except RequestException as problem:
            raise Unreachable(f"{self._url}: {type(problem).__name__}; is the server running?") from None


def _metric(found: Mapping[str, Any]) -> Metric:
    """A metric as the server describes it."""
    return Metric(found["name"], **{name: value for name, value in found.items() if name != "name"})


def _near(near: datetime | None) -> list[tuple[str, str]]:
    """The hint in time as an address carries it."""
    return [("near", near.isoformat())] if near else []


def _is(answer: Response, media_type: str) -> bool:
    """Whether an answer is of that type."""
    return answer.headers.get("content-type", "").startswith(media_type)


def _error(url: str, answer: Response) -> ControlSurfaceError:
    """The server's error as the class that it was there; Unreachable where no problem of ours was sent."""
    body = orjson.loads(answer.content) if _is(answer, PROBLEM) else {}
    kind = getattr(errors, str(body.get("error")), None)
    if not (isinstance(kind, type) and issubclass(kind, ControlSurfaceError)):
        return Unreachable(f"{url}: answered {answer.status_code} {answer.reason}")
    error = kind.__new__(kind)  # UnknownName makes its text itself; here the text is there already
    error.args = (body.get("detail", ""),)
    return error
