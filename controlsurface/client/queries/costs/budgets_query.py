"""The configured budgets: spent so far, the pace, and what the period will have cost when it is over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import pyarrow as pa
from pydantic import Field

from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    FLAG,
    MAYBE_TEXT,
    SHARE,
    TEXT,
    TIME,
    as_dicts,
    column,
    column_table,
    columns,
    one_of,
)
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.config.budgets import BUDGET_DIMENSIONS, BudgetConfig
from controlsurface.errors import UnknownName
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.money.budget_forecast import (
    HISTORY_DAYS,
    budget_period,
    budget_status,
    complete_days,
    floor_to_day,
    forecast_spend,
)
from controlsurface.query.arguments import Arguments, Instant, NameList

_DAY = timedelta(days=1)
_LOOKBACK = 2 * HISTORY_DAYS * _DAY  # so that days without a call are told from days before the first one
_RETAINED_SINCE = "SELECT max(gone_before) AS gone_before FROM retained WHERE kind = 'requests'"
_USD, _MAYBE_USD = column(pa.float64(), minimum=0), column(pa.float64(), nullable=True, minimum=0)


class BudgetsArgs(Arguments):
    """Which budgets, and as of when."""

    at: Instant | None = Field(None, description="as of this moment, in the periods that it lies in; none: now")
    budget: NameList = Field((), description="names of budgets, comma-separated or repeated; none: all")


@dataclass(frozen=True, slots=True)
class BudgetsQuery(Query[Result]):
    """Budgets in the order of the configuration, each in the calendar week or month that `at` lies in.

    Rows: name, its tenant, team, task_type, job (null: any), period, start, end, budget_usd, spent_usd (of calls with a
    price), calls, priced_share, elapsed_share (of the period), burn (times as fast as the budget allows; 1: used up at
    the end), forecast_usd of the whole period with low_usd and high_usd (95 %; null below 7 complete days),
    history_days (that it rests on), runs_out_at (by the forecast), status, and cut (calls since `start` are gone).
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/budgets",
        "budgets",
        "Configured budgets: spent so far, the pace, and a forecast with its interval",
        columns(
            name=TEXT,
            **dict.fromkeys(BUDGET_DIMENSIONS, MAYBE_TEXT),
            period=one_of("week", "month"),
            **dict.fromkeys(("start", "end"), TIME),
            **dict.fromkeys(("budget_usd", "spent_usd"), _USD),
            calls=COUNT,
            priced_share=SHARE,
            elapsed_share=SHARE,
            burn=FIGURE,
            **dict.fromkeys(("forecast_usd", "low_usd", "high_usd"), _MAYBE_USD),
            history_days=COUNT,
            runs_out_at=TIME,
            status=one_of("exceeded", "will_exceed", "may_exceed", "within", "unknown"),
            cut=FLAG,
        ),
        columns(at=TIME),
    )
    arguments: BudgetsArgs = field(default_factory=BudgetsArgs)

    def run(self, session: StoreSession) -> Result:
        """By the metric `cost`. Raises UnknownName for a budget that is not configured."""
        at = self.arguments.at or datetime.now(UTC)
        budgets = _chosen(session.config.budgets, self.arguments.budget)
        gone = session.state(_RETAINED_SINCE).to_pylist()[0]["gone_before"] if budgets else None
        rows = [_budget_row(session, each, at, gone) for each in budgets]
        return Result(column_table(rows, self.endpoint.schema), {"at": at})


def _chosen(budgets: Iterable[BudgetConfig], names: Iterable[str]) -> list[BudgetConfig]:
    """Those of the names, all without any."""
    known = {each.name: each for each in budgets}
    if unknown := next((name for name in names if name not in known), None):
        raise UnknownName("budget", unknown, known)
    return [each for name, each in known.items() if name in set(names) or not names]


def _budget_row(session: StoreSession, budget: BudgetConfig, at: datetime, gone: datetime | None) -> dict[str, Any]:
    """One budget's figures."""
    start, end = budget_period(budget.period, at)
    limit, elapsed = float(budget.usd), (at - start) / (end - start)
    whole = _cost(session, budget, start, at)
    spent = float(whole["value"] or 0)
    days = complete_days(_by_day(session, budget, at), at)
    forecast = forecast_spend(spent, days, at, end, limit)
    return {
        "name": budget.name,
        **budget.owner,
        "period": budget.period,
        "start": start,
        "end": end,
        "budget_usd": limit,
        "spent_usd": spent,
        "calls": whole["n"],
        "priced_share": whole["priced_share"],
        "elapsed_share": elapsed,
        "burn": spent / (limit * elapsed) if elapsed else None,
        **({"forecast_usd": forecast.usd, "low_usd": forecast.low, "high_usd": forecast.high} if forecast else {}),
        "history_days": len(days),
        "runs_out_at": forecast.runs_out_at if forecast else None,
        "status": budget_status(spent, limit, forecast),
        "cut": whole["cut"] and gone is not None and gone > start,
    }


def _cost(session: StoreSession, budget: BudgetConfig, start: datetime, end: datetime) -> Mapping[str, Any]:
    """What the calls of a window cost: value, n, priced_share, and whether stored calls alone could say it (cut)."""
    found = MetricQuery(_args(budget, start, end)).run(session)
    rows = as_dicts(found.rows)
    return (rows[0] if rows else {"value": None, "n": 0, "priced_share": None}) | {"cut": found.source == "raw"}


def _by_day(session: StoreSession, budget: BudgetConfig, at: datetime) -> dict[date, float]:
    """The cost of each complete day with a call, as far back as the forecast looks."""
    today = floor_to_day(at)
    args = _args(budget, today - _LOOKBACK, today).model_copy(update={"every": _DAY})
    rows = as_dicts(MetricQuery(args).run(session).rows)
    return {row["bucket"].date(): float(row["value"] or 0) for row in rows if row["n"]}


def _args(budget: BudgetConfig, start: datetime, end: datetime) -> MetricArgs:
    where = tuple(f"{name}:{value}" for name, value in budget.owner.items())
    return MetricArgs(metric="cost", start=start, end=end, where=where)
