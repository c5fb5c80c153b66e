"""What pages ask the collector: each answer kept for seconds, each failure a state that says what to do."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, TypeVar

import polars as pl
import streamlit as st

from controlsurface.errors import BadRequest, Busy, ControlSurfaceError, Forbidden, NotFound, Unreachable
from controlsurface.metrics import histogram
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.histogram import Column, DistributionArgs
from controlsurface.metrics.metric import Metric
from controlsurface.metrics.query import beside
from controlsurface.metrics.several import SeveralArgs
from controlsurface.metrics.values import DimensionArgs
from controlsurface.reader.answers import Answers
from controlsurface.reader.asking import Answer, Query, R
from controlsurface.reader.detail import Near
from controlsurface.reader.figures import CatalogQuery, DimensionsQuery, DistributionQuery
from controlsurface.reader.reader import Reader
from controlsurface.reader.remote import RemoteReader
from controlsurface.reader.rows import frame
from controlsurface.reader.several import Several
from controlsurface.reader.trace import TraceQuery
from controlsurface.ui import states, visitor
from controlsurface.ui.window import REFRESH, SLOWLY, View, floored

HOUR = timedelta(hours=1)
MINUTES = timedelta(minutes=5)
KEPT = 512  # answers in memory
READERS = 64  # people at once, each with connections of their own
ASKING = "Asking the collector"
VIEW = "_view"  # of this run, in the session

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A statement that stands behind what a page shows: what it was about, its rows, and how they were found."""

    about: str
    rows: pl.DataFrame
    sql: str
    parameters: Mapping[str, Any]
    elapsed_ms: float
    source: str = "raw"


_NOTED: ContextVar[list[Asked] | None] = ContextVar("noted", default=None)


def address() -> tuple[str, str]:
    """Where the collector's API is, and the token it wants."""
    return os.environ.get("CONTROLSURFACE_API", "http://127.0.0.1:8502"), visitor.token()


@st.cache_resource(max_entries=READERS, show_spinner=False)
def _reader(url: str, token: str) -> Reader:
    return RemoteReader(url, token)


def reader() -> Reader:
    """The collector, over HTTP; one for all sessions."""
    return _reader(*address())


def answer(ask: Callable[[], T]) -> T:
    """What `ask` returns; an error becomes a state on the page, and the run ends there."""
    try:
        return ask()
    except Unreachable as problem:
        states.unreachable(problem, reader().health)
    except Busy as problem:
        states.stopped("The collector is busy", f"{problem}. A shorter time range asks less of it.")
    except NotFound as problem:
        states.stopped("Not here", f"{problem}. It may be older than the retention, or not have arrived yet.")
    except Forbidden as problem:
        states.stopped("Not allowed", f"{problem}.")
    except BadRequest as problem:
        states.stopped("This view cannot be shown", f"{problem}. Reset the filters, or correct the address.")


@st.cache_resource(show_spinner=False)
def _fresh(keep: timedelta) -> Answers[Any]:
    """The answers of the last `keep`. They never change, so none is copied."""
    return Answers(keep, KEPT)


@st.cache_resource(ttl=HOUR, max_entries=4, show_spinner=False)
def _known(_call: Callable[[], T], question: str) -> T:  # noqa: ARG001 -- what the answer is kept under
    """The answer of the last hour: for what changes with a release, not with traffic."""
    return _call()


@st.cache_resource(ttl=MINUTES, max_entries=64, show_spinner=ASKING)
def _slow(_call: Callable[[], T], question: str) -> T:  # noqa: ARG001 -- what the answer is kept under
    """The answer of the last MINUTES."""
    return _call()


def ask(query: Query[R], keep: timedelta = REFRESH) -> R:
    """The answer, shared by all sessions that ask the same within `keep`: REFRESH, or a view's `refresh`."""
    found: R = shared(_name(query), lambda: reader().ask(query), keep)
    return found


def shared(question: str, call: Callable[[], T], keep: timedelta = REFRESH) -> T:
    """`call`'s answer, under the question's name."""
    found: T = _asked_together([question], lambda names: {names[0]: call()}, keep)[0]
    return found


def _name(query: Query[Any]) -> str:
    """What a query's answer is kept under."""
    return f"{query.path} {query.arguments.model_dump_json()}"


def _asked_together(
    questions: Sequence[str], call: Callable[[Sequence[str]], Mapping[str, Any]], keep: timedelta
) -> list[Any]:
    """The answers of the last `keep` to some questions; `call` answers those that there are none of."""
    where = f"{address()} "

    def missing(names: Sequence[str]) -> dict[str, Any]:
        with st.spinner(ASKING):
            found = call([name.removeprefix(where) for name in names])
        return {f"{where}{name}": each for name, each in found.items()}

    return answer(lambda: _fresh(keep).of([f"{where}{each}" for each in questions], missing))


def forget() -> None:
    """Ask everything anew: something was changed."""
    for keep in (REFRESH, SLOWLY):
        _fresh(keep).forget()


def kept(query: Query[R]) -> R:
    """The answer, shared for MINUTES: for what costs seconds and moves slowly. NotFound is the caller's to say."""
    return computed(_name(query), lambda: reader().ask(query))


def computed(question: str, call: Callable[[], T]) -> T:
    """`call`'s answer, under the question's name, shared for MINUTES."""
    try:
        return _slow(call, f"{address()} {question}")
    except NotFound:
        raise
    except ControlSurfaceError as problem:
        failed = problem

    def again() -> T:
        raise failed

    return answer(again)


def remember(shown: View) -> None:
    """Let the questions of this run be about what the bar shows."""
    st.session_state[VIEW] = shown


def view() -> View:
    """What the bar shows."""
    shown: View = st.session_state[VIEW]
    return shown


@contextmanager
def noted() -> Iterator[list[Asked]]:
    """Every statement that is asked for inside, by this thread."""
    found: list[Asked] = []
    token = _NOTED.set(found)
    try:
        yield found
    finally:
        _NOTED.reset(token)


def note(*statements: Asked) -> None:
    """Let `noted` know."""
    found = _NOTED.get()
    if found is not None:
        found.extend(each for each in dict.fromkeys(statements) if each not in found)


def query(
    metric: str, by: Iterable[str] = (), every: timedelta | None = None, within: View | None = None
) -> pl.DataFrame:
    """Rows of a metric: bucket (with `every`), the dimensions, value, n, and low, high, priced_share where they apply.

    `within` is what the bar shows, where nothing else is said.
    """
    return queries([metric], by, every, within)[metric]


def queries(
    metrics: Iterable[str], by: Iterable[str] = (), every: timedelta | None = None, within: View | None = None
) -> dict[str, pl.DataFrame]:
    """The rows of several metrics, each as `query` has them, asked for together: quicker than one after the other."""
    of = within or view()
    args = SeveralArgs(metrics=tuple(metrics), by=tuple(by), every=every, **of.asked)
    about = args.model_dump_json(exclude={"metrics"})
    names = {f"query {each} {about}": each for each in args.metrics}

    def missing(some: Sequence[str]) -> dict[str, tuple[Asked, pl.DataFrame]]:
        found = reader().ask(Several(args.model_copy(update={"metrics": tuple(names[each] for each in some)})))
        told = _apart(found)
        return {name: told[names[name]] for name in some}

    found = _asked_together([*names], missing, of.refresh)
    note(*(statement for statement, _ in found))
    return {metric: rows for metric, (_, rows) in zip(names.values(), found, strict=True)}


def _apart(found: Answer) -> dict[str, tuple[Asked, pl.DataFrame]]:
    """An answer about several metrics as each one's rows, and how they were found."""
    rows = frame(found.rows)
    told = rows.partition_by("metric", as_dict=True, include_key=False)
    apart = {}
    for each in found.facts["passes"]:
        names = each.pop("metrics")
        asked = Asked(", ".join(names), rows=rows.filter(pl.col("metric").is_in(names)), **each)
        for name in names:
            own = told.get((name,), rows.drop("metric").clear())
            apart[name] = asked, own.drop({"low", "high", "priced_share"} & {*own.columns} - {*beside(CATALOG[name])})
    return apart


def distribution(
    column: Column, by: Iterable[str] = (), every: timedelta | None = None, within: View | None = None
) -> pl.DataFrame:
    """Bins of a column: bucket (with `every`), the dimensions, lower, upper, n. Empty bins are missing."""
    about = within or view()
    args = DistributionArgs(column=column, by=tuple(by), every=every, **about.asked)
    found = shared(f"distribution {args.model_dump_json()}", lambda: _binned(args), about.refresh)
    note(found)
    return found.rows


def values(names: Iterable[str], around: View) -> pl.DataFrame:
    """The most frequent values of dimensions, around this window: dimension, value, n, distinct_values."""
    start, end = floored(around.start, HOUR), floored(around.end, HOUR) + HOUR
    return frame(ask(DimensionsQuery(DimensionArgs(dimension=tuple(names), start=start, end=end))).rows)


def trace(trace_id: str, near: datetime | None) -> Mapping[str, Any] | None:
    """All spans of a trace as OTLP/JSON; None where they are not kept."""
    wanted = TraceQuery(trace_id, Near(near=near))

    def kept() -> Mapping[str, Any] | None:
        try:
            found = reader().ask(wanted)
        except NotFound:
            return None
        return found.facts

    return shared(_name(wanted), kept)


def catalogue() -> Mapping[str, Metric]:
    """The metrics by name, with unit, help and direction."""
    return answer(
        lambda: _known(lambda: {each.id: each for each in reader().ask(CatalogQuery()).metrics}, f"{address()} metrics")
    )


def _binned(args: DistributionArgs) -> Asked:
    """Bins with their SQL, which the collector does not send along, and the time that they took from here."""
    began = perf_counter()
    bins = frame(reader().ask(DistributionQuery(args)).rows)
    statement, took = histogram.render(args), (perf_counter() - began) * 1e3
    return Asked(f"{args.column} in bins", bins, statement.sql, statement.shown(), took)
