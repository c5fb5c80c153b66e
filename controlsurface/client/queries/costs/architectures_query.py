"""Architectures side by side: calls, tokens, cost, latency, failures, engineers, and the volume where costs cross."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, get_args

from pydantic import Field

from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    MAYBE_TEXT,
    NUMBER,
    SHARE,
    TEXT,
    TIME,
    as_dicts,
    column_table,
    columns,
    list_of,
    record,
)
from controlsurface.client.queries.costs.hardware_query import hardware_by
from controlsurface.client.queries.costs.incidents import ControlCostArgs, ControlCostQuery
from controlsurface.client.queries.metric_queries import BatchQuery
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.metrics.queries.batch_query import BatchArgs
from controlsurface.money.control.architecture_costs import (
    compare_curves,
    cost_spread,
    curve_figures,
    mixes_of,
    render_failed_steps,
    render_request_costs,
)
from controlsurface.money.control.cost_curve import crossing_text
from controlsurface.query.arguments import WeekRange

# Metrics of a row, and whether they have an interval.
_METRICS = {
    "steps_per_request": False,
    "input_tokens_per_request": False,
    "output_tokens_per_request": False,
    "latency_p50": False,
    "latency_p95": False,
    "error_rate": True,
}
_CONTROL = (
    "requests calls_usd priced_share incidents engineer_minutes engineer_usd rated_share storage_usd "
    "incidents_per_million"
)
_ENDS = ("low", "high")


ComparedDimension = Literal["architecture", "router_version", "router", "service", "environment"]
COMPARED_BY: tuple[ComparedDimension, ...] = get_args(ComparedDimension)


class ArchitecturesArgs(WeekRange):
    """When, and what tells architectures apart."""

    by: ComparedDimension = Field("architecture", description="what is compared")


@dataclass(frozen=True, slots=True)
class ArchitecturesQuery(Query[Result]):
    """Architectures (or router versions, ...) side by side, those with the most requests first; null: of none.

    Rows: name; n (stored requests) and what they stand for (`requests`); model calls, tokens, cost of a request with
    n and interval at 95 % (of own, failed and overhead calls; null below 30 requests with a known cost, its interval
    below 300); latency_p50, latency_p95 in ms and p95 by p50; error_rate; the step that failed first most often, with
    its share; what control costs as in `/api/v1/control-cost`, of time that names the value; own hardware with its part
    of the idle time; fixed cost a month, variable cost a request, and a month as it is now (null where less than 99 %
    of calls have a price, or of minutes a rate). Fact `crossings`: for each two the volume at which they cost the same.
    """

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/architectures",
        "architectures",
        "Architectures side by side, and the volume at which two of them cost the same",
        columns(
            name=MAYBE_TEXT,
            n=COUNT,
            **{f"{name}{end}": FIGURE for name, ends in _METRICS.items() for end in ("", *(("_low", "_high") * ends))},
            latency_spread=FIGURE,
            usd_per_request=FIGURE,
            usd_low=FIGURE,
            usd_high=FIGURE,
            costed=COUNT,
            failed_step=MAYBE_TEXT,
            failed_step_share=SHARE,
            requests=COUNT,
            calls_usd=FIGURE,
            priced_share=SHARE,
            incidents=NUMBER,
            engineer_minutes=NUMBER,
            engineer_usd=FIGURE,
            rated_share=SHARE,
            storage_usd=FIGURE,
            incidents_per_million=FIGURE,
            **dict.fromkeys(
                "hardware_usd fixed_usd_per_month variable_usd variable_low variable_high requests_per_month "
                "usd_per_month usd_per_1000_requests".split(),
                FIGURE,
            ),
        ),
        columns(
            start=TIME,
            end=TIME,
            unassigned_minutes=NUMBER,
            crossings=list_of(
                record(
                    one=TEXT, other=TEXT, requests=FIGURE, low=FIGURE, high=FIGURE, below=MAYBE_TEXT, above=MAYBE_TEXT,
                    unlike=NUMBER, text=TEXT,
                )
            ),
        ),
    )  # fmt: skip
    arguments: ArchitecturesArgs = ArchitecturesArgs()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """From metrics, the cost of control, own hardware, and the configuration's fixed costs."""
        start, end = self.arguments.window
        by, until = self.arguments.by, max(start, min(end, datetime.now(UTC)))
        window = {"start": start, "end": end}
        control = as_dicts(ControlCostQuery(ControlCostArgs(**window, by=by)).run(session).rows)
        assigned = {row["name"]: row for row in control if row["assigned"]}
        costs = as_dicts(session.rows(render_request_costs(by, window)))
        metrics = _by_name(session, [*_METRICS], by, window)
        failures = {row["name"]: row for row in as_dicts(session.rows(render_failed_steps(by, window)))}
        hardware = hardware_by(session, by, start, end)
        known = session.config.architectures if by == "architecture" else {}
        rows = []
        for cost in costs:
            name, spread = cost["name"], cost_spread(cost)
            own = [each for each in hardware if each["lane"] == (name or "")]
            spent = assigned.get(name) or _NOTHING
            fixed = known[name].monthly_usd if name in known else 0.0
            rows.append(
                {"name": name, "n": cost["n"], "costed": spread.costed, **metrics.get(name, {})}
                | {"usd_per_request": spread.usd, "usd_low": spread.low, "usd_high": spread.high}
                | {key: failures.get(name, {}).get(key) for key in ("failed_step", "failed_step_share")}
                | {key: spent[key] for key in _CONTROL.split()}
                | curve_figures(spent, spread, own, fixed, until - start)
            )
        mixes = mixes_of(_requests_by_kind(session, by, window), by)
        crossings = [
            {name: getattr(found, name) for name in ("one", "other", "requests", "low", "high", "below", "above")}
            | {"unlike": unlike, "text": crossing_text(found)}
            for found, unlike in compare_curves(rows, mixes)
        ]
        unassigned = sum(row["engineer_minutes"] for row in control if not row["assigned"])
        facts = {**window, "unassigned_minutes": float(unassigned), "crossings": crossings}
        return Result(column_table(rows, self.endpoint.schema), facts)


_NOTHING: Mapping[str, Any] = dict.fromkeys(_CONTROL.split()) | dict.fromkeys(
    ("requests", "incidents", "engineer_minutes"), 0
)


def _by_name(
    session: StoreSession, metrics: list[str], by: str, window: Mapping[str, Any]
) -> dict[Any, dict[str, Any]]:
    """The metrics of each value, with the ends of their intervals where they have them."""
    found: dict[Any, dict[str, Any]] = {}
    for row in as_dicts(BatchQuery(BatchArgs(metrics=tuple(metrics), by=(by,), **window)).run(session).rows):
        own, name = found.setdefault(row[by], {}), row["metric"]
        own[name] = row["value"]
        own |= {f"{name}_{end}": row.get(end) for end in _ENDS if _METRICS[name]}
    for own in found.values():
        half, most = own.get("latency_p50"), own.get("latency_p95")
        own["latency_spread"] = most / half if half and most is not None else None
    return found


def _requests_by_kind(session: StoreSession, by: str, window: Mapping[str, Any]) -> list[dict[str, Any]]:
    args = BatchArgs(metrics=("requests",), by=(by, "task_type"), **window)
    return as_dicts(BatchQuery(args).run(session).rows)
