"""Routers of whose requests both prices are known: how often the interval of a saving holds what was saved."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from controlsurface.arrays import Flags, Floats
from controlsurface.bench.simulation.simulated_intervals import SimulatedInterval, SimulatedRuns, ends_of, select_list
from controlsurface.metrics import counterfactual, formula
from controlsurface.metrics.catalog import CATALOG
from controlsurface.metrics.queries.metric_query import figure_columns, interval_columns

ROWS_AT_ONCE = 1_000_000
ESCALATED_SHARES = (0.1, 0.6)  # share of a router's requests, drawn for each run
OTHER_TENANT_REQUESTS = 600  # requests of other tenants, where one of them is looked at
USD_SMALL, USD_LARGE = (0.1e-6, 0.6e-6), (2e-6, 8e-6)  # a token read, a token written


@dataclass(frozen=True, slots=True)
class PricedTask:
    """Typical tokens of a task type, read, and written by either lane; `skew` is the deviation of their logarithm."""

    read: float
    small: float
    large: float
    skew: float = 0.6


@dataclass(frozen=True, slots=True)
class SimulatedRouter:
    """What a router is asked, whether requests that it keeps are shadowed, and whether one of many tenants is seen."""

    tasks: tuple[PricedTask, ...] = (PricedTask(600, 300, 500),)
    shadows: bool = True
    tenant: bool = False


ONE_TASK, ONE_TENANT, NO_SHADOWS = SimulatedRouter(), SimulatedRouter(tenant=True), SimulatedRouter(shadows=False)
LONG_TAILED = SimulatedRouter((PricedTask(600, 300, 500, 0.8),))
FIVE_TASKS = SimulatedRouter(
    (
        PricedTask(200, 4, 4, 0.4),
        PricedTask(900, 60, 50, 0.5),
        PricedTask(150, 250, 300, 0.6),
        PricedTask(600, 500, 900, 0.7),
        PricedTask(40, 9000, 300, 0.5),  # the small lane is the dearer one
    )
)


@dataclass(frozen=True, slots=True)
class RoutedRequests:
    """Requests of many runs, (runs, requests): what both lanes cost, which answered, and which are seen."""

    task: NDArray[np.int64]
    tokens: Floats
    small: Floats
    large: Floats
    up: Flags
    tried: Flags
    shadowed: Flags
    seen: Flags

    @property
    def paid(self) -> Floats:
        """What each request cost."""
        return np.where(self.up, self.large + self.tried * self.small, self.small)

    def known(self, side: str) -> Flags:
        """Which requests tell what this lane costs."""
        return self.up | self.shadowed if side == "large" else ~self.up | self.tried

    def baseline(self, side: str) -> Floats:
        """What each request costs in the baseline's lanes."""
        if side != "random":
            return self.large if side == "large" else self.small
        lot = self.up.mean(axis=1, keepdims=True)
        return np.asarray(lot * self.large + (1 - lot) * self.small)

    def saved(self, side: str) -> Floats:
        """What each run saved, (runs,), of task types of which any request tells."""
        told = np.ones(self.task.shape, dtype=bool)
        for task in range(int(self.task.max()) + 1):
            mine = self.task == task
            for each in ("large", "small") if side == "random" else (side,):
                told &= ~mine | (mine & self.known(each)).any(axis=1, keepdims=True)
        return np.asarray(((self.baseline(side) - self.paid) * told * self.seen).sum(axis=1))

    @property
    def spent(self) -> Floats:
        """What each run paid."""
        return np.asarray((self.paid * self.seen).sum(axis=1))


def simulate_routed_requests(world: SimulatedRuns, router: SimulatedRouter) -> RoutedRequests:
    """Tokens are spread as exp(N). A request that is long to answer is likelier to go up, and as likely to be shadowed.

    The rate is that of shadows, and of requests that the small lane tried before they went up: it tells of the other
    lane.
    """
    random = world.random
    shape = world.runs, world.n + OTHER_TENANT_REQUESTS * router.tenant
    task = random.integers(0, len(router.tasks), shape)
    read, small, large, skew = (
        np.array([getattr(each, name) for each in router.tasks])[task] for name in ("read", "small", "large", "skew")
    )
    longer, harder = random.normal(0, 0.6, shape), random.normal(0, 1, shape)
    tokens = np.ceil(read * np.exp(longer))
    usd = []
    for (reads, writes), typical in ((USD_SMALL, small), (USD_LARGE, large)):
        spread = skew * (harder + random.normal(0, 1, shape)) / np.sqrt(2)
        usd.append(tokens * reads + np.ceil(typical * np.exp(0.2 * longer + spread)) * writes)
    chance = 2 * random.uniform(*ESCALATED_SHARES, (world.runs, 1)) / (1 + np.exp(-2 * harder))
    up, rate = random.random(shape) < np.minimum(chance, 1), world.rates()
    tells = random.random(shape) < rate
    seen = np.broadcast_to(np.arange(shape[1]) < world.n, shape)
    return RoutedRequests(task, tokens, usd[0], usd[1], up, up & tells, ~up & tells & router.shadows, seen)


def simulate_savings(world: SimulatedRuns, metric_id: str, router: SimulatedRouter) -> SimulatedInterval:
    """A saving or a share of one, by the metric's own SQL, some of the runs at once."""
    found = []
    for part in world.parts(ROWS_AT_ONCE // (world.n + OTHER_TENANT_REQUESTS * router.tenant)):
        made = simulate_routed_requests(part, router)
        found.append(SimulatedInterval(interval_of_requests(part, metric_id, made), _truth(metric_id, made)))
    return SimulatedInterval.joined(found)


def _truth(metric_id: str, made: RoutedRequests) -> Floats:
    """What the metric is about; of shares nothing is left out, as intervals of less are refused."""
    side = next((each for each in ("small", "random") if metric_id.endswith(each)), "large")
    saved, spent = made.saved(side), made.spent
    if metric_id.startswith("saving_vs"):
        return saved
    return saved / (saved + spent) if metric_id.startswith("saving") else spent / (saved + spent)


def derived_rows(made: RoutedRequests) -> pa.Table:
    """The requests as the store has them after the derivation."""
    attempts = 1 + made.tried.astype(np.int64)
    columns = {
        "run": np.broadcast_to(np.arange(len(made.task))[:, None], made.task.shape),
        "seen": made.seen,
        "task_type": made.task,
        "lane": made.up.astype(np.int64),
        "escalated": made.up,
        "attempts": attempts,
        "input_tokens": made.tokens * attempts,
        "cost_usd": made.paid,
        "own_large_usd": np.where(made.up, made.large, np.nan),
        "own_small_usd": np.where(made.known("small"), made.small, np.nan),
        "shadow_large_usd": np.where(made.shadowed, made.large, np.nan),
    }
    return pa.table({name: pa.array(each.ravel(), from_pandas=True) for name, each in columns.items()})


_SAVINGS_SQL = """WITH rows AS (
    SELECT *, 1 AS sample_weight, TRUE AS priced, NULL AS cache, NULL AS overhead_usd, NULL AS shadow_small_usd
    FROM simulated
),
measures AS (SELECT r.run, r.seen, r.task_type, r.lane, {columns} FROM rows AS r),
{ctes}figures AS (SELECT {figures} FROM {relation} GROUP BY run, seen)
SELECT {ends} FROM figures WHERE seen ORDER BY run"""


def interval_of_requests(world: SimulatedRuns, metric_id: str, made: RoutedRequests) -> Floats:
    """Both ends of the metric's interval by its own SQL, over single requests; a run is a question of its own."""
    metric, keys = CATALOG[metric_id], ["run", "seen"]
    stage = counterfactual.counterfactual_stage([metric], "measures", keys, within="run")
    sql = _SAVINGS_SQL.format(
        columns=select_list(formula.measure_columns(metric)),
        ctes=stage.ctes,
        figures=", ".join([*keys, select_list(figure_columns(metric, keys))]),
        relation=stage.relation,
        ends=select_list(interval_columns(metric)),
    )
    with world.store.writing() as writing:
        writing.attach("simulated", derived_rows(made))
        both = ends_of(writing.rows(sql))
    return np.where(both[0] < both[1], both, np.nan)
