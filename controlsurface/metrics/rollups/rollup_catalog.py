"""Which roll-ups are kept: sums and fixed bins of stored rows, for the breakdowns that pages and rules use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from controlsurface.metrics import formula
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.measures import IS_PROBABILITY_SQL, SPREADS
from controlsurface.query.dimensions import RowSource

BIN_RATIO = 1.05


def bin_number(spread: str, value: str) -> str:
    """The number of a value's bin, as SQL; NULL is the bin of zero."""
    if spread == "confidence":  # 1 belongs to the last bin; 0.29 * 100 is 28.999999999999996
        return f"CASE WHEN {value} = 1 THEN 99 ELSE floor(round({value} * 100, 9)) END"
    return f"CASE WHEN {value} > 0 THEN floor(ln({value}) / ln({BIN_RATIO})) END"


def bin_edges(spread: str) -> tuple[str, str]:
    """From where to where the bin `bin` reaches, as SQL."""
    if spread == "confidence":
        return "bin / 100", "(bin + 1) / 100"
    return f"coalesce(power({BIN_RATIO}, bin), 0)", f"coalesce(power({BIN_RATIO}, bin + 1), 0)"


def bin_middle(spread: str) -> str:
    """The value that is least wrong for all of the bin `bin`, as SQL."""
    if spread == "confidence":
        return "(bin + 0.5) / 100"
    return f"coalesce(power({BIN_RATIO}, bin + 0.5), 0)"


SHORT_STEP, LONG_STEP = timedelta(minutes=5), timedelta(hours=1)
ROLLUP_STEPS = (SHORT_STEP, LONG_STEP)

# More combinations in a bucket would save nothing, and a dimension that never repeats would double the store.
MAX_GROUPS = 4000


@dataclass(frozen=True, slots=True)
class Rollup:
    """A table: of sums, of the bins of one spread, or of `seen` moments. `of`: the table it is summed from."""

    name: str
    source: RowSource
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
INTERMEDIATE_ROLLUPS = {
    "requests_between": Rollup(
        "requests_between", "requests", SHORT_STEP, (*_FLOW, "escalation_reason", "answered_by", "provider", "reason")
    ),
    "attempts_between": Rollup("attempts_between", "attempts", SHORT_STEP, _MODELS),
}
_SUMS = (
    Rollup("requests_flow_1h", "requests", LONG_STEP, (*_FLOW, "escalation_reason"), of="requests_between"),
    Rollup("requests_reasons_1h", "requests", LONG_STEP, ("task_type", "lane", "reason"), of="requests_between"),
    Rollup(
        "requests_models_1h",
        "requests",
        LONG_STEP,
        ("task_type", "lane", "router_version", "answered_by", "provider"),
        of="requests_between",
    ),
    Rollup("requests_owners_1h", "requests", LONG_STEP, _OWNERS),
    Rollup("requests_flow_5m", "requests", SHORT_STEP, _FLOW, of="requests_between"),
    Rollup("attempts_models_1h", "attempts", LONG_STEP, _MODELS, of="attempts_between"),
    Rollup("attempts_owners_1h", "attempts", LONG_STEP, (*_OWNERS, "purpose")),
    Rollup("attempts_lanes_5m", "attempts", SHORT_STEP, ("task_type", "lane"), of="attempts_between"),
    Rollup("comparisons_flow_1h", "comparisons", LONG_STEP, ("task_type", "lane", "shadow_lane", "router_version")),
)
_BINS = (
    *(
        Rollup(f"requests_{spread}_lanes_1h", "requests", LONG_STEP, ("lane",), spread, of=f"requests_{spread}_1h")
        for spread in SPREADS["requests"]
    ),
    *(
        Rollup(f"requests_{spread}_1h", "requests", LONG_STEP, ("task_type", "lane", "router_version"), spread)
        for spread in SPREADS["requests"]
    ),
    *(
        Rollup(f"attempts_{spread}_1h", "attempts", LONG_STEP, ("lane", "model"), spread)
        for spread in SPREADS["attempts"]
    ),
)
_SEEN = Rollup(
    "requests_seen_1h",
    "requests",
    LONG_STEP,
    ("router", "router_version", "answered_by", "task_type", "threshold"),
    seen=True,
)
_CALLED = Rollup("attempts_seen_1h", "attempts", LONG_STEP, ("model", "purpose"), seen=True)
ROLLUPS = {rollup.name: rollup for rollup in (*_SUMS, *_BINS, _SEEN, _CALLED)}

SIGHTING_COLUMNS: Mapping[str, str] = {"n_seen": "1", "first_at": "r.started_at", "last_at": "r.started_at"}
_FUNCTIONS = {"first_at": "min", "last_at": "max"}


@cache  # every question asks it of every roll-up
def rollup_columns(rollup: Rollup) -> Mapping[str, str]:
    """The columns beside bucket and dimensions, by name: as expressions over a stored row `r`, not yet summed."""
    if rollup.spread:
        value = SPREADS[rollup.source][rollup.spread]
        return {"bin": bin_number(rollup.spread, value), "n": "1", "weight": "r.sample_weight"}
    if rollup.seen:
        return dict(SIGHTING_COLUMNS)
    metrics = [each for each in CATALOG.values() if each.source == rollup.source and is_additive_formula(each.sql)]
    return {name: text for metric in metrics for name, text in formula.measure_columns(metric).items()}


def is_additive_formula(text: str) -> bool:
    """Whether a formula needs nothing but sums."""
    return "distinct(" not in text and "quantile(" not in text


def rollup_column_names(rollup: Rollup) -> list[str]:
    """All columns, in order."""
    return ["bucket", *rollup.dimensions, *rollup_columns(rollup)]


def rollup_select(rollup: Rollup, rows: str, *, plain: bool = False) -> str:
    """The SELECT that makes the roll-up from `rows`: stored rows with their `bucket`.

    `plain` says that each of them stands for itself alone: a count, its rows and its squares then are one sum.
    """
    own = {
        name: text.replace("r.sample_weight", "1") if plain else text for name, text in rollup_columns(rollup).items()
    }
    grouped = ["bucket", *rollup.dimensions, *(["bin"] if rollup.spread else [])]
    listed = ["r.bucket AS bucket", *(f"r.{name} AS {name}" for name in rollup.dimensions)]
    if rollup.spread:
        listed.append(f"CAST({own.pop('bin')} AS SMALLINT) AS bin")
    listed += [f"{_sum(name, text)} AS {name}" for name, text in own.items()]
    condition = f"\nWHERE {SPREADS[rollup.source][rollup.spread]} IS NOT NULL" if rollup.spread else ""
    condition += f" AND {IS_PROBABILITY_SQL}" if rollup.spread == "confidence" else ""
    return _grouped(listed, f"{rows} AS r{condition}", grouped)


def resummed_select(rollup: Rollup, rows: str) -> str:
    """The SELECT that makes the roll-up from the table it is `of`, or rather its `rows` with their `bucket`."""
    grouped = ["bucket", *rollup.dimensions, *(["bin"] if rollup.spread else [])]
    sums = [f"{_sum(name, name)} AS {name}" for name in rollup_columns(rollup) if name not in grouped]
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


def covering_rollups(
    source: RowSource, wanted: Mapping[str, str], dimensions: frozenset[str], spread: str | None
) -> list[Rollup]:
    """The roll-ups that can answer, the narrowest first."""
    return [
        rollup
        for rollup in ROLLUPS.values()
        if rollup.source == source
        and rollup.spread == spread
        and dimensions <= {*rollup.dimensions}
        and (spread is not None or wanted.keys() <= rollup_columns(rollup).keys())
    ]
