"""Which roll-ups are kept: sums and bins of stored rows, for the breakdowns that pages and rules use.

A roll-up is a table of the same columns that a metric reads from a stored row, summed for each bucket and each
combination of its dimensions. Its columns follow the catalogue: whatever any metric sums is there. Two more say when
each version, model, router and threshold, and each model that was called, was first and last seen in an hour: what
events are found by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from controlsurface.metrics import bins, formula
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.dimensions import Source
from controlsurface.metrics.measures import PROBABILITIES, SPREADS

SHORT, LONG = timedelta(minutes=5), timedelta(hours=1)
STEPS = (SHORT, LONG)

# More combinations in a bucket would save nothing, and a dimension that never repeats would double the store.
MOST_GROUPS = 4000


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table: of sums, of the bins of one spread, or of `seen` moments. `of`: the table it is summed from."""

    name: str
    source: Source
    step: timedelta
    dimensions: tuple[str, ...]
    spread: str | None = None
    of: str | None = None
    seen: bool = False

    @property
    def step_s(self) -> int:
        """The length of its buckets, as the store's bookkeeping writes it."""
        return int(self.step.total_seconds())


_FLOW = ("task_type", "lane", "router_version", "escalation_kind")
_OWNERS = ("task_type", "lane", "tenant", "team", "environment")
_MODELS = ("task_type", "lane", "router_version", "purpose", "model", "provider")

# Steps between, not kept: a tenth of the rows, summed once, from which several roll-ups are summed.
BETWEEN = {
    "requests_between": Rollup(
        "requests_between", "requests", SHORT, (*_FLOW, "escalation_reason", "answered_by", "provider", "reason")
    ),
    "attempts_between": Rollup("attempts_between", "attempts", SHORT, _MODELS),
}
_SUMS = (
    Rollup("requests_flow_1h", "requests", LONG, (*_FLOW, "escalation_reason"), of="requests_between"),
    Rollup("requests_reasons_1h", "requests", LONG, ("task_type", "lane", "reason"), of="requests_between"),
    Rollup(
        "requests_models_1h",
        "requests",
        LONG,
        ("task_type", "lane", "router_version", "answered_by", "provider"),
        of="requests_between",
    ),
    Rollup("requests_owners_1h", "requests", LONG, _OWNERS),
    Rollup("requests_flow_5m", "requests", SHORT, _FLOW, of="requests_between"),
    Rollup("attempts_models_1h", "attempts", LONG, _MODELS, of="attempts_between"),
    Rollup("attempts_owners_1h", "attempts", LONG, (*_OWNERS, "purpose")),
    Rollup("attempts_lanes_5m", "attempts", SHORT, ("task_type", "lane"), of="attempts_between"),
    Rollup("comparisons_flow_1h", "comparisons", LONG, ("task_type", "lane", "shadow_lane", "router_version")),
)
_BINS = (
    *(
        Rollup(f"requests_{spread}_lanes_1h", "requests", LONG, ("lane",), spread, of=f"requests_{spread}_1h")
        for spread in SPREADS["requests"]
    ),
    *(
        Rollup(f"requests_{spread}_1h", "requests", LONG, ("task_type", "lane", "router_version"), spread)
        for spread in SPREADS["requests"]
    ),
    *(Rollup(f"attempts_{spread}_1h", "attempts", LONG, ("lane", "model"), spread) for spread in SPREADS["attempts"]),
)
_SEEN = Rollup(
    "requests_seen_1h",
    "requests",
    LONG,
    ("router", "router_version", "answered_by", "task_type", "threshold"),
    seen=True,
)
_CALLED = Rollup("attempts_seen_1h", "attempts", LONG, ("model", "purpose"), seen=True)
ROLLUPS = {rollup.name: rollup for rollup in (*_SUMS, *_BINS, _SEEN, _CALLED)}

SEEN: Mapping[str, str] = {"n_seen": "1", "first_at": "r.started_at", "last_at": "r.started_at"}
_FUNCTIONS = {"first_at": "min", "last_at": "max"}


@cache  # every question asks it of every roll-up
def columns(rollup: Rollup) -> Mapping[str, str]:
    """The columns beside bucket and dimensions, by name: as expressions over a stored row `r`, not yet summed."""
    if rollup.spread:
        value = SPREADS[rollup.source][rollup.spread]
        return {"bin": bins.number(rollup.spread, value), "n": "1", "weight": "r.sample_weight"}
    if rollup.seen:
        return dict(SEEN)
    metrics = [each for each in CATALOG.values() if each.source == rollup.source and summed(each.sql)]
    return {name: text for metric in metrics for name, text in formula.columns(metric).items()}


def summed(text: str) -> bool:
    """Whether a formula needs nothing but sums."""
    return "distinct(" not in text and "quantile(" not in text


def names(rollup: Rollup) -> list[str]:
    """All columns, in order."""
    return ["bucket", *rollup.dimensions, *columns(rollup)]


def select(rollup: Rollup, rows: str, *, plain: bool = False) -> str:
    """The SELECT that makes the roll-up from `rows`: stored rows with their `bucket`.

    `plain` says that each of them stands for itself alone: a count, its rows and its squares then are one sum.
    """
    own = {name: text.replace("r.sample_weight", "1") if plain else text for name, text in columns(rollup).items()}
    grouped = ["bucket", *rollup.dimensions, *(["bin"] if rollup.spread else [])]
    listed = ["r.bucket AS bucket", *(f"r.{name} AS {name}" for name in rollup.dimensions)]
    if rollup.spread:
        listed.append(f"CAST({own.pop('bin')} AS SMALLINT) AS bin")
    listed += [f"{_sum(name, text)} AS {name}" for name, text in own.items()]
    condition = f"\nWHERE {SPREADS[rollup.source][rollup.spread]} IS NOT NULL" if rollup.spread else ""
    condition += f" AND {PROBABILITIES}" if rollup.spread == "confidence" else ""
    return _grouped(listed, f"{rows} AS r{condition}", grouped)


def resummed(rollup: Rollup, rows: str) -> str:
    """The SELECT that makes the roll-up from the table it is `of`, or rather its `rows` with their `bucket`."""
    grouped = ["bucket", *rollup.dimensions, *(["bin"] if rollup.spread else [])]
    sums = [f"{_sum(name, name)} AS {name}" for name in columns(rollup) if name not in grouped]
    return _grouped([*grouped, *sums], rows, grouped)


def _grouped(listed: list[str], rows: str, keys: list[str]) -> str:
    """Sorted, so that a reader of one bucket finds its rows together."""
    separator, grouped = ",\n    ", ", ".join(keys)
    return f"SELECT\n    {separator.join(listed)}\nFROM {rows}\nGROUP BY {grouped}\nORDER BY {grouped}"


def _sum(name: str, text: str) -> str:
    """One column. Counts of stored rows stay whole numbers, moments are the first or last of all."""
    if name in _FUNCTIONS:
        return f"{_FUNCTIONS[name]}({text})"
    whole = text == "1" or name.endswith("_rows")
    return f"CAST(sum({text}) AS BIGINT)" if whole else f"sum({text})"


def covering(source: Source, wanted: Mapping[str, str], dimensions: frozenset[str], spread: str | None) -> list[Rollup]:
    """The roll-ups that can answer, the narrowest first."""
    return [
        rollup
        for rollup in ROLLUPS.values()
        if rollup.source == source
        and rollup.spread == spread
        and dimensions <= {*rollup.dimensions}
        and (spread is not None or wanted.keys() <= columns(rollup).keys())
    ]
