"""What rules of advice may ask: metrics over one window, the same before it, and events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from controlsurface.client.advice.advice_row import Row
from controlsurface.client.advice.graded_lanes import GradedPairs, graded_pairs
from controlsurface.client.query_protocol import StoreSession
from controlsurface.config.query_limits import OTHER_VALUE
from controlsurface.metrics.queries.batch_query import BatchArgs, query_passes, split_metric_rows
from controlsurface.metrics.queries.dimension_values import MAX_TOP_VALUES
from controlsurface.metrics.queries.event_query import EventsArgs
from controlsurface.metrics.queries.query_runner import run_events, run_pass

MIN_TIME = datetime.min.replace(tzinfo=UTC)
NO_LANE_FILTER = ("lane:",)  # every row has a lane, so none has no lane
Dimensions = tuple[str, ...]

# What rules ask by the same dimensions and with the same filter, or with none, is read together, once.
METRICS_BY_PASS: Mapping[tuple[Dimensions, bool], str] = {
    ((), False): "requests attempts overhead_cost threshold",
    (("model",), False): "priced_share unpriced_attempts calls_without_usage streamed_calls_without_usage",
    (("task_type",), False): "requests escalation_rate output_growth",
    (("task_type",), True): "requests cost_per_request gate_failure_rate disagreement_rate context_over_80",
}


@dataclass(frozen=True, slots=True)
class AdviceContext:
    """Questions about one window; what was answered is known from then on."""

    session: StoreSession
    start: datetime
    end: datetime
    known: dict[tuple[str, Dimensions, Dimensions], list[Row]] = field(default_factory=dict)
    graded_from: dict[datetime, list[GradedPairs]] = field(default_factory=dict)
    folded: set[str] = field(default_factory=set)  # dimensions of which only the largest values were looked at

    @property
    def length(self) -> timedelta:
        """How long the window is."""
        return self.end - self.start

    def rows(self, metric: str, by: Dimensions = (), where: Dimensions = ()) -> list[Row]:
        """A metric's rows; dimensions, value, n, and low, high, priced_share where they apply."""
        if (metric, by, where) not in self.known:
            names = dict.fromkeys((metric, *METRICS_BY_PASS.get((by, bool(where)), "").split()))
            top = min(self.session.config.limits.answer_values, MAX_TOP_VALUES)
            args = BatchArgs(metrics=tuple(names), by=by, where=where, start=self.start, end=self.end, top=top)
            self.known.update(((name, by, where), rows) for name, rows in self._asked(args).items())
        return self.known[metric, by, where]

    def total(self, metric: str, where: tuple[str, ...] = ()) -> float:
        """A metric's value over all rows; 0 where it is unknown."""
        return float(self.rows(metric, where=where)[0]["value"] or 0)

    def before(self, metric: str) -> float:
        """The same in the window of equal length before this one."""
        args = BatchArgs(metrics=(metric,), start=_back(self.start, self.length), end=self.start)
        (row,) = self._asked(args)[metric]
        return float(row["value"] or 0)

    def graded(self) -> list[GradedPairs]:
        """The task types with enough graded pairs."""
        if self.start not in self.graded_from:
            self.graded_from[self.start] = graded_pairs(self.session, self.start, self.end)
        return self.graded_from[self.start]

    def events(self) -> list[Row]:
        """Changes in the window, in order of time."""
        return run_events(self.session.rows, EventsArgs(start=self.start, end=self.end)).to_pylist()

    def lanes(self, *, escalation: bool) -> tuple[str, ...]:
        """A filter for the lanes that are, or are not, escalation lanes by the configuration."""
        lanes = self.session.config.lanes.items()
        return tuple(f"lane:{name}" for name, lane in lanes if lane.escalation is escalation) or NO_LANE_FILTER

    def _named(self, rows: list[Row], by: Dimensions) -> list[Row]:
        """The rows about values of their own: nobody can act on what stands for many."""
        self.folded.update(name for name in by if any(row[name] == OTHER_VALUE for row in rows))
        return [row for row in rows if all(row[name] != OTHER_VALUE for name in by)]

    def _asked(self, args: BatchArgs) -> dict[str, list[Row]]:
        return {
            metric.id: self._named(table.drop_columns("metric").to_pylist(), args.by)
            for each in query_passes(args)
            for metric, table in zip(
                each.metrics, split_metric_rows(each, run_pass(self.session.rows, each, args.top)[0]), strict=True
            )
        }


def _back(at: datetime, length: timedelta) -> datetime:
    """That much earlier, as far back as dates go."""
    return at - min(length, at - MIN_TIME)
