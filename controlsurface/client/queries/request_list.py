"""Single requests: which ones, in what order, a page at a time."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import orjson
from pydantic import Field

from controlsurface.client.arrow_tables import MAYBE_TEXT, TEXT, TIME, columns
from controlsurface.client.queries.counted_requests import counted_condition
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, ResultFact, StoreSession
from controlsurface.errors import BadRequest
from controlsurface.metrics.measures import IS_PROBABILITY_SQL
from controlsurface.query.arguments import ArgumentText, FilteredRange
from controlsurface.query.statement import Statement, where_clause, window_conditions

RequestOrder = Literal["recent", "slowest", "costliest", "near_threshold"]
TraceId = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{32}$")]

REQUEST_COLUMNS = (
    "request_id session_id started_at duration_ms ttft_ms task_type router router_version reason confidence "
    "confidence_kind threshold requested_model selected_model selected_lane answered_by provider lane "
    "escalated escalation_kind escalation_reason attempts failed_attempts steps retries fell_back cache "
    "cache_layers mode gate error_type failed input_tokens cached_tokens output_tokens reasoning_tokens "
    "cost_usd overhead_usd cost_source priced tenant team job user_id environment service sample_weight"
).split()
REQUEST_COLUMNS_SQL = "trace_hex(r.trace_id) AS trace_id, span_hex(r.span_id) AS span_id, " + ", ".join(
    f"r.{name}" for name in REQUEST_COLUMNS
)

REQUEST = columns(request_id=TEXT, trace_id=TEXT, span_id=TEXT, started_at=TIME, lane=TEXT)

# Key and its type. What comes first is largest. Unknown ones come last; trace and span decide between equals.
_KEYS: dict[RequestOrder, tuple[str, str]] = {
    "recent": ("r.started_at", "TIMESTAMP"),
    "slowest": ("r.duration_ms", "DOUBLE"),
    "costliest": ("r.cost_usd", "DECIMAL(18, 12)"),
    "near_threshold": ("-abs(r.confidence - r.threshold)", "DOUBLE"),
}
_RANGES = {"confidence": "r.confidence", "latency_ms": "r.duration_ms", "cost_usd": "r.cost_usd"}
_FLAGS = ("failed", "escalated")
_TEXTS = ("request_id", "session_id", "user_id")


class RequestsArgs(FilteredRange):
    """Filters, order and page of a list of requests."""

    order: RequestOrder = Field("recent", description="what comes first; unknown values come last")
    limit: int = Field(100, ge=1, le=1000, description="requests of one page")
    cursor: ArgumentText | None = Field(None, description="`next` of the page before")
    failed: bool | None = Field(None, description="only those that were not answered, or only those that were")
    escalated: bool | None = Field(None, description="only those answered by an escalation lane, or only others")
    request_id: ArgumentText | None = Field(None, description="exactly this request")
    trace_id: TraceId | None = Field(None, description="requests of this trace")
    session_id: ArgumentText | None = Field(None, description="requests of this session")
    user_id: ArgumentText | None = Field(None, description="requests of this user")
    confidence_min: float | None = Field(None, description="at least this sure")
    confidence_max: float | None = Field(None, description="at most this sure")
    latency_ms_min: float | None = Field(None, description="at least this slow")
    latency_ms_max: float | None = Field(None, description="at most this slow")
    cost_usd_min: float | None = Field(None, description="at least this dear")
    cost_usd_max: float | None = Field(None, description="at most this dear")
    counted: ArgumentText | None = Field(None, description="only those in the numerator of this metric")
    counted_where: tuple[ArgumentText, ...] = Field(
        (), max_length=20, description="dimension:value of the rows that `counted` counts, such as a call's model"
    )
    counted_above: float | None = Field(None, description="of a quantile: only those above, in the metric's unit")


def render_requests(args: RequestsArgs) -> Statement:
    """The statement whose rows are one page and one row more, if there is one; the last column is the order's key."""
    found, parameters = window_conditions("requests", args)
    parameters["page_limit"] = args.limit + 1
    for name, column in _RANGES.items():
        for end, operator in (("min", ">="), ("max", "<=")):
            _compare(found, parameters, f"{column} {operator}", f"{name}_{end}", getattr(args, f"{name}_{end}"))
    for name in (*_FLAGS, *_TEXTS):
        _compare(found, parameters, f"r.{name} =", name, getattr(args, name))
    if args.trace_id:
        found.append("r.trace_id = CAST($trace_id AS UUID)")
        parameters["trace_id"] = args.trace_id
    if args.counted:
        rows = FilteredRange(start=args.start, end=args.end, where=args.counted_where)
        condition, more = counted_condition(args.counted, rows, args.counted_above)
        found.append(condition)
        parameters |= more
    key, _ = _KEYS[args.order]
    if args.order == "near_threshold" and "confidence_kind" not in args.filters():
        key = f"CASE WHEN {IS_PROBABILITY_SQL} THEN {key} END"  # distances on one scale
    if args.cursor:
        found.append(_after(key, args.order, args.cursor, parameters))
    order = "page_key DESC NULLS LAST, r.trace_id DESC, r.span_id DESC"
    # First the places of the page's rows, then their columns: sorting whole rows takes twenty times longer.
    sql = (
        f"WITH page AS (\n    SELECT r.rowid AS place, {key} AS page_key\n    FROM requests AS r{where_clause(found)}\n"
        f"    ORDER BY {order}\n    LIMIT $page_limit\n)\n"
        f"SELECT {REQUEST_COLUMNS_SQL}, CAST(page_key AS VARCHAR) AS page_key\n"
        f"FROM page JOIN requests AS r ON r.rowid = page.place\nORDER BY {order.replace('page_key', 'page.page_key')}"
    )
    return Statement(sql, parameters, "requests.list")


class RequestPage(Result):
    """Some requests, and the cursor that asks for those after them (None: there are no more)."""

    next = ResultFact[str | None]()


@dataclass(frozen=True, slots=True)
class RequestsQuery(Query[RequestPage]):
    """Single requests that match, a page at a time."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/requests", "requests", "Single requests, a page at a time", REQUEST, columns(next=MAYBE_TEXT)
    )
    result: ClassVar = RequestPage
    arguments: RequestsArgs = RequestsArgs()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> RequestPage:
        """The page without the row too many, and the cursor of the next page."""
        args = self.arguments
        rows = session.rows(render_requests(args))
        shown = rows.slice(0, args.limit).drop_columns("page_key")
        if rows.num_rows <= args.limit:
            return RequestPage(shown, {"next": None})
        last = rows.slice(args.limit - 1, 1).select(["page_key", "trace_id", "span_id"]).to_pylist()[0]
        return RequestPage(shown, {"next": _sealed([args.order, *last.values()])})


def _compare(found: list[str], parameters: dict[str, Any], condition: str, name: str, value: object) -> None:
    """Add a condition and its value, where there is one."""
    if value is not None:
        found.append(f"{condition} ${name}")
        parameters[name] = value


def _after(key: str, order: RequestOrder, cursor: str, parameters: dict[str, Any]) -> str:
    """The condition that a row comes after the cursor's. Raises BadRequest for a cursor that is not ours."""
    value, trace, span = _opened(cursor, order)
    parameters |= {"cursor_trace": trace, "cursor_span": int(span, 16)}
    behind = "(r.trace_id, r.span_id) < (CAST($cursor_trace AS UUID), CAST($cursor_span AS UBIGINT))"
    if value is None:
        return f"({key} IS NULL AND {behind})"
    parameters["cursor_key"] = value
    at = f"CAST($cursor_key AS {_KEYS[order][1]})"
    return f"({key} < {at} OR {key} IS NULL OR ({key} = {at} AND {behind}))"


def _sealed(parts: list[str | None]) -> str:
    """A cursor: its parts and their fingerprint."""
    text = orjson.dumps(parts)
    return base64.urlsafe_b64encode(_fingerprint(text) + text).decode().rstrip("=")


def _opened(cursor: str, order: RequestOrder) -> tuple[str | None, str, str]:
    """Key, trace and span of a cursor. Raises BadRequest for one that was changed or belongs to another order."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
    except binascii.Error:
        raw = b""
    if len(raw) <= _CURSOR_BYTES or _fingerprint(raw[_CURSOR_BYTES:]) != raw[:_CURSOR_BYTES]:
        raise BadRequest("cursor: not one that this server gave; start again without it")
    its_order, key, trace, span = orjson.loads(raw[_CURSOR_BYTES:])
    if its_order != order:
        raise BadRequest(f"cursor: belongs to order={its_order}, not {order}; start again without it")
    return key, trace, span


_CURSOR_BYTES = 9


def _fingerprint(text: bytes) -> bytes:
    """A checksum against accidents and guesses; the parts are parameters, so a forger gains nothing."""
    return hashlib.blake2b(text, digest_size=_CURSOR_BYTES, person=b"requests-cursor").digest()
