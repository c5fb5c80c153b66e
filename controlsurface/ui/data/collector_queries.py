"""What pages ask the collector: each answer kept for seconds, each failure a state that says what to do."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, TypeVar

import polars as pl
import streamlit as st

from controlsurface.client.arrow_tables import as_polars
from controlsurface.client.queries.metric_queries import BatchQuery, CatalogQuery, DimensionsQuery, DistributionQuery
from controlsurface.client.queries.request_detail import Near, TraceQuery
from controlsurface.client.query_protocol import Client, Query, R, Result
from controlsurface.client.remote_client import RemoteClient
from controlsurface.client.result_cache import SharedResults
from controlsurface.errors import BadRequest, Busy, ControlSurfaceError, Forbidden, NotFound, TooMuch, Unreachable
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.queries import distribution_query
from controlsurface.metrics.queries.batch_query import BatchArgs
from controlsurface.metrics.queries.dimension_values import DimensionsArgs
from controlsurface.metrics.queries.distribution_query import DistributionArgs, DistributionColumn
from controlsurface.metrics.queries.metric_query import extra_columns
from controlsurface.ui.data import visitor
from controlsurface.ui.data.collector_health import HEALTH, api_address
from controlsurface.ui.elements import states
from controlsurface.ui.view import REFRESH_INTERVAL, SLOW_REFRESH_INTERVAL, DashboardView, floor_to_step

HOUR = timedelta(hours=1)
SLOW_ANSWER_TTL = timedelta(minutes=5)
MAX_CACHED_ANSWERS = 512  # answers in memory
MAX_COLLECTOR_CLIENTS = 64  # people at once, each with connections of their own
SPINNER_TEXT = "Loading"
VIEW_KEY = "_view"  # of this run, in the session
# in the session: its latest answers; whether this run lives on them, began so, and whether the next has to
REMEMBERED_KEY, SILENT_KEY, BEGAN_SILENT_KEY, SILENT_NEXT_KEY = (
    "_remembered",
    "_silent",
    "_began_silent",
    "_silent_next",
)
ANSWERED_KEY = "_answered"  # in the session: the moment of the last run that was answered
MAX_REMEMBERED_ANSWERS = 128

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class ExecutedQuery:
    """A statement that stands behind what a page shows: what it was about, its rows, and how they were found."""

    about: str
    rows: pl.DataFrame
    sql: str
    parameters: Mapping[str, Any]
    elapsed_ms: float
    source: str = "raw"


_RECORDED_QUERIES: ContextVar[list[ExecutedQuery] | None] = ContextVar("noted", default=None)


def collector_address() -> tuple[str, str]:
    """Where the collector's API is, and the token it wants."""
    return api_address(), visitor.visitor_token()


@st.cache_resource(max_entries=MAX_COLLECTOR_CLIENTS, show_spinner=False)
def _cached_client(url: str, token: str) -> Client:
    return RemoteClient(url, token)


def collector_client() -> Client:
    """The collector, over HTTP; one for all sessions."""
    return _cached_client(*collector_address())


def run_or_show_error(ask: Callable[[], T]) -> T:
    """What `fetch_cached` returns; an error becomes a state on the page, and the run ends there."""
    try:
        return ask()
    except Unreachable as problem:
        if ANSWERED_KEY in st.session_state and not st.session_state.get(BEGAN_SILENT_KEY):
            st.session_state[SILENT_NEXT_KEY] = True
            st.rerun()  # about the window of the latest answers
        states.unreachable_state(problem, collector_client().health)
    except Busy as problem:
        states.stop_with_state("The collector is busy", f"{problem}. A shorter time range asks less of it.")
    except TooMuch as problem:
        states.stop_with_state("This view asks for too much", f"{problem}.")
    except NotFound as problem:
        states.stop_with_state("Not here", f"{problem}. It may be older than the retention, or not have arrived yet.")
    except Forbidden as problem:
        states.stop_with_state("Not allowed", f"{problem}.")
    except BadRequest as problem:
        states.stop_with_state("This view cannot be shown", f"{problem}. Reset the filters, or correct the address.")


@st.cache_resource(show_spinner=False)
def _recent_answers(keep: timedelta) -> SharedResults[Any]:
    """The answers of the last `keep`. They never change, so none is copied."""
    return SharedResults(keep, MAX_CACHED_ANSWERS)


@st.cache_resource(ttl=HOUR, max_entries=4, show_spinner=False)
def _cached_for_an_hour(_call: Callable[[], T], question: str) -> T:  # noqa: ARG001 -- what the answer is kept under
    """The answer of the last hour: for what changes with a release, not with traffic."""
    return _call()


@st.cache_resource(ttl=SLOW_ANSWER_TTL, max_entries=64, show_spinner=SPINNER_TEXT)
def _cached_for_minutes(_call: Callable[[], T], question: str) -> T:  # noqa: ARG001 -- what the answer is kept under
    """The answer of the last MINUTES."""
    return _call()


def run_now(query: Query[R]) -> R:
    """The answer of this moment, for what somebody may just have changed."""
    found: R = run_or_show_error(lambda: _or_remembered([_name(query)], lambda: [collector_client().run(query)])[0])
    return found


def _or_remembered(questions: Sequence[str], ask: Callable[[], list[Any]]) -> list[Any]:
    """The answers; while the collector is silent, those that this session has seen last."""
    remembered: dict[str, Any] = st.session_state.setdefault(REMEMBERED_KEY, {})
    try:
        found = _ask_unless_silent(ask)
    except Unreachable:
        if not all(each in remembered for each in questions):
            raise
        st.session_state[SILENT_KEY] = True
        return [remembered[each] for each in questions]
    for name, answer in zip(questions, found, strict=True):
        remembered.pop(name, None)
        remembered[name] = answer
    for name in [*remembered][:-MAX_REMEMBERED_ANSWERS]:
        del remembered[name]
    return found


def _ask_unless_silent(ask: Callable[[], T]) -> T:
    """The answer; Unreachable at once where it is known that nobody answers: a query would wait for its whole time."""
    if HEALTH.is_silent():
        raise Unreachable(f"{api_address()}: no answer; is the server running?")
    return ask()


def begin_run() -> None:
    """Ask the collector again, unless the run before found it silent and could not be drawn.

    A visitor who has seen no answer yet is told within seconds: a query to a collector that hangs waits for its whole
    time, and nothing is drawn meanwhile.
    """
    if ANSWERED_KEY not in st.session_state:
        HEALTH.silent_since()
    st.session_state[SILENT_KEY] = st.session_state[BEGAN_SILENT_KEY] = st.session_state.pop(SILENT_NEXT_KEY, False)


def is_collector_silent() -> bool:
    """Whether this run shows remembered answers."""
    return bool(st.session_state.get(SILENT_KEY))


def fetch_cached(query: Query[R], keep: timedelta = REFRESH_INTERVAL) -> R:
    """The answer, shared by all sessions that ask the same within `keep`: REFRESH, or a view's `refresh`."""
    found: R = shared(_name(query), lambda: collector_client().run(query), keep)
    return found


def shared(question: str, call: Callable[[], T], keep: timedelta = REFRESH_INTERVAL) -> T:
    """`call`'s answer, under the question's name."""
    found: T = _fetch_cached_together([question], lambda names: {names[0]: call()}, keep)[0]
    return found


def _name(query: Query[Any]) -> str:
    """What a query's answer is kept under."""
    return f"{query.path} {query.arguments.model_dump_json()}"


def _fetch_cached_together(
    questions: Sequence[str], call: Callable[[Sequence[str]], Mapping[str, Any]], keep: timedelta
) -> list[Any]:
    """The answers of the last `keep` to some questions; `call` answers those that there are none of."""
    where = f"{collector_address()} "

    def missing(names: Sequence[str]) -> dict[str, Any]:
        with st.spinner(SPINNER_TEXT):
            found = call([name.removeprefix(where) for name in names])
        return {f"{where}{name}": each for name, each in found.items()}

    names = [f"{where}{each}" for each in questions]
    return run_or_show_error(lambda: _or_remembered(names, lambda: _recent_answers(keep).of(names, missing)))


def clear_query_cache() -> None:
    """Ask everything anew: something was changed."""
    for keep in (REFRESH_INTERVAL, SLOW_REFRESH_INTERVAL):
        _recent_answers(keep).forget()


def fetch_slow_cached(query: Query[R]) -> R:
    """The answer, shared for MINUTES: for what costs seconds and moves slowly. NotFound is the caller's to say."""
    return computed(_name(query), lambda: collector_client().run(query))


def computed(question: str, call: Callable[[], T]) -> T:
    """`call`'s answer, under the question's name, shared for MINUTES."""
    name = f"{collector_address()} {question}"
    try:
        (found,) = _or_remembered([name], lambda: [_cached_for_minutes(call, name)])
    except NotFound:
        raise
    except ControlSurfaceError as problem:
        failed = problem
    else:
        return found  # type: ignore[no-any-return]

    def again() -> T:
        raise failed

    return run_or_show_error(again)


def set_current_view(shown: DashboardView) -> None:
    """Let the questions of this run be about what the bar shows."""
    st.session_state[VIEW_KEY] = shown


def current_view() -> DashboardView:
    """What the bar shows."""
    shown: DashboardView = st.session_state[VIEW_KEY]
    return shown


@contextmanager
def record_queries() -> Iterator[list[ExecutedQuery]]:
    """Every statement that is asked for inside, by this thread."""
    found: list[ExecutedQuery] = []
    token = _RECORDED_QUERIES.set(found)
    try:
        yield found
    finally:
        _RECORDED_QUERIES.reset(token)


def record_query(*statements: ExecutedQuery) -> None:
    """Let `record_queries` know."""
    found = _RECORDED_QUERIES.get()
    if found is not None:
        found.extend(each for each in dict.fromkeys(statements) if each not in found)


def query_metric(
    metric: str, by: Iterable[str] = (), every: timedelta | None = None, within: DashboardView | None = None
) -> pl.DataFrame:
    """Rows of a metric: bucket (with `every`), the dimensions, value, n, and low, high, priced_share where they apply.

    `within` is what the bar shows, where nothing else is said.
    """
    return query_metrics([metric], by, every, within)[metric]


def query_metrics(
    metrics: Iterable[str], by: Iterable[str] = (), every: timedelta | None = None, within: DashboardView | None = None
) -> dict[str, pl.DataFrame]:
    """The rows of several metrics, each as `query_metric` has them, asked for together, which is quicker."""
    of = within or current_view()
    args = BatchArgs(metrics=tuple(metrics), by=tuple(by), every=every, **of.asked)
    about = args.model_dump_json(exclude={"metrics"})
    names = {f"query {each} {about}": each for each in args.metrics}

    def missing(some: Sequence[str]) -> dict[str, tuple[ExecutedQuery, pl.DataFrame]]:
        found = collector_client().run(
            BatchQuery(args.model_copy(update={"metrics": tuple(names[each] for each in some)}))
        )
        told = _split_by_metric(found)
        return {name: told[names[name]] for name in some}

    found = _fetch_cached_together([*names], missing, of.refresh)
    record_query(*(statement for statement, _ in found))
    return {metric: rows for metric, (_, rows) in zip(names.values(), found, strict=True)}


def _split_by_metric(found: Result) -> dict[str, tuple[ExecutedQuery, pl.DataFrame]]:
    """An answer about several metrics as each one's rows, and how they were found."""
    rows = as_polars(found.rows)
    told = rows.partition_by("metric", as_dict=True, include_key=False)
    apart = {}
    for each in found.facts["passes"]:
        names = each.pop("metrics")
        asked = ExecutedQuery(", ".join(names), rows=rows.filter(pl.col("metric").is_in(names)), **each)
        for name in names:
            own = told.get((name,), rows.drop("metric").clear())
            apart[name] = (
                asked,
                own.drop({"low", "high", "priced_share"} & {*own.columns} - {*extra_columns(CATALOG[name])}),
            )
    return apart


def query_distribution(
    column: DistributionColumn,
    by: Iterable[str] = (),
    every: timedelta | None = None,
    within: DashboardView | None = None,
) -> pl.DataFrame:
    """Bins of a column: bucket (with `every`), the dimensions, lower, upper, n. Empty bins are missing."""
    about = within or current_view()
    args = DistributionArgs(column=column, by=tuple(by), every=every, **about.asked)
    found = shared(f"distribution {args.model_dump_json()}", lambda: _fetch_bins(args), about.refresh)
    record_query(found)
    return found.rows


def frequent_values(names: Iterable[str], around: DashboardView) -> pl.DataFrame:
    """The most frequent values of dimensions, around this window: dimension, value, n, distinct_values."""
    start, end = floor_to_step(around.start, HOUR), floor_to_step(around.end, HOUR) + HOUR
    return as_polars(fetch_cached(DimensionsQuery(DimensionsArgs(dimension=tuple(names), start=start, end=end))).rows)


def fetch_trace(trace_id: str, near: datetime | None) -> Mapping[str, Any] | None:
    """All spans of a trace as OTLP/JSON; None where they are not kept."""
    wanted = TraceQuery(trace_id, Near(near=near))

    def kept() -> Mapping[str, Any] | None:
        try:
            found = collector_client().run(wanted)
        except NotFound:
            return None
        return found.facts

    return shared(_name(wanted), kept)


def fetch_catalog() -> Mapping[str, Metric]:
    """The metrics by name, with unit, help and direction."""
    return run_or_show_error(
        lambda: _cached_for_an_hour(
            lambda: {each.id: each for each in collector_client().run(CatalogQuery()).metrics},
            f"{collector_address()} metrics",
        )
    )


def _fetch_bins(args: DistributionArgs) -> ExecutedQuery:
    """Bins with their SQL, which the collector does not send along, and the time that they took from here."""
    began = perf_counter()
    bins = as_polars(collector_client().run(DistributionQuery(args)).rows)
    statement, took = distribution_query.render_distribution(args), (perf_counter() - began) * 1e3
    return ExecutedQuery(f"{args.column} in bins", bins, statement.sql, statement.shown(), took)
