"""What control costs: the calls, and the time of the people who kept them right, by any one dimension."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from controlsurface.config.control_costs import ControlConfig

_MINUTE = timedelta(minutes=1)
KNOWN_ENOUGH = 0.99  # of calls with a price, and of minutes with a rate: less, and a rate would be a bound from below
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SpentTime:
    """Time spent on the router. `slice`: what it was about, `dimension:value`; `minutes`: as told, of all people."""

    started_at: datetime
    ended_at: datetime | None = None
    minutes: float | None = None
    people: int = 1
    team: str | None = None
    slice: Sequence[str] = ()

    @property
    def engineer_minutes(self) -> float | None:
        """As told, else from start to end for each; None while its timer runs."""
        if self.minutes is not None:
            return self.minutes
        return None if self.ended_at is None else (self.ended_at - self.started_at) / _MINUTE * self.people

    def values(self, dimension: str) -> list[str]:
        """The values of a dimension that it was about."""
        named = (each.partition(":") for each in self.slice)
        return list(dict.fromkeys(value for name, _, value in named if name == dimension))


@dataclass(slots=True)
class _Spent:
    incidents: float = 0
    minutes: float = 0
    usd: float = 0
    unrated_minutes: float = 0
    storage_usd: float | None = None
    calls: dict[str, Any] = field(default_factory=dict)


def control_costs(
    costs: Iterable[Row],
    requests: Iterable[Row],
    incidents: Iterable[SpentTime],
    config: ControlConfig,
    by: str | None,
    storage: Iterable[Row] = (),
) -> list[dict[str, Any]]:
    """A row a value of `by`, the dearest first; one of all without it. Sums over the rows are those of the whole.

    `costs` and `requests` are rows of these metrics (value, priced_share). An incident about several values is shared
    out evenly; one about none stands in a row of its own (`assigned` false), as nobody said what it was about.
    `storage`: rows of `/api/v1/storage`, where storage has a price. `total_usd` is of what is known;
    `usd_per_1000_requests`, which rows are compared by, is None where that is not as good as all, or the value with the
    fewest prices would read as the cheapest.
    """
    found: dict[tuple[str | None, bool], _Spent] = {}
    for name, rows in (("calls_usd", costs), ("requests", requests)):
        for row in rows:
            spent = found.setdefault((row[by] if by else None, True), _Spent())
            spent.calls[name] = row["value"]
            if name == "calls_usd":
                spent.calls["priced_share"] = row.get("priced_share")
    for incident in incidents:
        if (minutes := incident.engineer_minutes) is None:
            continue
        named = [(value, True) for value in incident.values(by)] if by else [(None, True)]
        keys: Sequence[tuple[str | None, bool]] = named or [(None, False)]
        rate = config.hourly_of(incident.team)
        for key in keys:
            spent = found.setdefault(key, _Spent())
            spent.incidents += 1 / len(keys)
            spent.minutes += minutes / len(keys)
            if rate is None:
                spent.unrated_minutes += minutes / len(keys)
            else:
                spent.usd += minutes / len(keys) / 60 * rate
    for row in storage:
        spent = found.setdefault((row["name"], row["assigned"]) if by else (None, True), _Spent())
        if row["storage_usd"] is not None:
            spent.storage_usd = (spent.storage_usd or 0) + row["storage_usd"]
    priced = [_row(name, assigned, spent) for (name, assigned), spent in found.items()]
    return sorted(priced, key=lambda row: (-(row["total_usd"] or 0), not row["assigned"], str(row["name"])))


def _row(name: str | None, assigned: bool, spent: _Spent) -> dict[str, Any]:
    calls, requests = spent.calls.get("calls_usd"), spent.calls.get("requests") or 0
    people = spent.usd if spent.minutes > spent.unrated_minutes else None
    known = [float(each) for each in (calls, people, spent.storage_usd) if each is not None]
    total = sum(known) if known else None
    priced, rated = (
        spent.calls.get("priced_share"),
        1 - spent.unrated_minutes / spent.minutes if spent.minutes else None,
    )
    comparable = all(each is None or each >= KNOWN_ENOUGH for each in (priced, rated))
    return {
        "name": name,
        "assigned": assigned,
        "requests": round(requests),
        "calls_usd": None if calls is None else float(calls),
        "priced_share": priced,
        "incidents": spent.incidents,
        "engineer_minutes": spent.minutes,
        "engineer_usd": people,
        "rated_share": rated,
        "storage_usd": spent.storage_usd,
        "total_usd": total,
        "usd_per_1000_requests": 1000 * total / requests if comparable and total is not None and requests else None,
        "incidents_per_million": 1e6 * spent.incidents / requests if requests else None,
    }
