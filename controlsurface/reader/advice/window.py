"""What rules of advice may ask: metrics over one window, the same before it, and events."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from controlsurface.metrics.asking import ask_events, plan_query
from controlsurface.metrics.events import EventsArgs
from controlsurface.metrics.query import QueryArgs
from controlsurface.reader.advice.finding import Row
from controlsurface.reader.asking import Ground

BEGINNING = datetime.min.replace(tzinfo=UTC)
NO_LANE = ("lane:",)  # every row has a lane, so none has no lane


@dataclass(frozen=True, slots=True)
class Asker:
    """Questions about one window."""

    ground: Ground
    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long the window is."""
        return self.end - self.start

    def rows(self, metric: str, by: tuple[str, ...] = (), where: tuple[str, ...] = ()) -> list[Row]:
        """A metric's rows; dimensions, value, n, and low, high, priced_share where they apply."""
        return self._asked(QueryArgs(metric=metric, by=by, where=where, start=self.start, end=self.end))

    def total(self, metric: str, where: tuple[str, ...] = ()) -> float:
        """A metric's value over all rows; 0 where it is unknown."""
        return float(self.rows(metric, where=where)[0]["value"] or 0)

    def before(self, metric: str) -> float:
        """The same in the window of equal length before this one."""
        (row,) = self._asked(QueryArgs(metric=metric, start=_back(self.start, self.length), end=self.start))
        return float(row["value"] or 0)

    def events(self) -> list[Row]:
        """Changes in the window, in order of time."""
        return ask_events(self.ground.rows, EventsArgs(start=self.start, end=self.end)).to_pylist()

    def lanes(self, *, escalation: bool) -> tuple[str, ...]:
        """A filter for the lanes that are, or are not, escalation lanes by the configuration."""
        lanes = self.ground.config.lanes.items()
        return tuple(f"lane:{name}" for name, lane in lanes if lane.escalation is escalation) or NO_LANE

    def _asked(self, args: QueryArgs) -> list[Row]:
        statement, _ = plan_query(self.ground.rows, args)
        return statement.bounded(self.ground.rows(statement)).to_pylist()


def asker(ground: Ground, start: datetime | None, end: datetime | None) -> Asker:
    """Questions about the window; by itself the last seven days."""
    until = end or datetime.now(UTC)
    return Asker(ground, start or _back(until, timedelta(days=7)), until)


def _back(at: datetime, length: timedelta) -> datetime:
    """That much earlier, as far back as dates go."""
    return at - min(length, at - BEGINNING)
