"""What another threshold would do to the traffic: the question, its rows, and what is to be known about them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from controlsurface.arrays import Floats
from controlsurface.audit import diagnostics
from controlsurface.audit.answer_pairs import LanePair, read_audited_rows, select_traffic
from controlsurface.audit.threshold_sweep import ThresholdSweep, sort_observations, sweep_thresholds
from controlsurface.audit.traffic_slices import TrafficSlice, slices_by_task_type, usable_rows
from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    MAYBE_TEXT,
    NUMBER,
    OBJECT,
    SHARE,
    TEXT,
    columns,
    list_of,
    one_of,
)
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.client.result_cache import CachePolicy
from controlsurface.config import LaneConfig
from controlsurface.errors import BadRequest, NotFound, UnknownName
from controlsurface.query.arguments import ArgumentText, FilteredRange
from controlsurface.store.query_budget import check_budget

MAX_THRESHOLDS = 1001  # thresholds in one answer
CACHE_TTL_S = 30  # sums of one window serve so long, so that a slider need not read the traffic at each step
MAX_CACHED_WINDOWS = 4  # windows
MAX_CACHED_KNOTS = 250_000  # of all windows together, about 500 bytes each; a larger window is read anew each time
_ROOM = CachePolicy(CACHE_TTL_S, MAX_CACHED_WINDOWS, MAX_CACHED_KNOTS)

_NUMBER = r"-?\d{1,9}(?:\.\d{1,9})?"
_RANGE = re.compile(rf"({_NUMBER}):({_NUMBER}):({_NUMBER})|{_NUMBER}(?:,{_NUMBER})*", re.ASCII)
_MONEY = ("cost_usd", "latency_ms")


class WhatIfArgs(FilteredRange):
    """Which requests, and which thresholds."""

    task_type: ArgumentText | None = Field(None, description="one task type; without it all together, and each")
    thresholds: str = Field(
        "0:1:0.05", max_length=10_000, description="first:last:step, or numbers with commas", pattern=_RANGE.pattern
    )

    from_lane: ArgumentText | None = Field(None, description="with `to_lane`: the lane that keeps what is not below")
    to_lane: ArgumentText | None = Field(
        None, description="the lane that a confidence below goes to; without both: every escalation lane"
    )

    def between(self, lanes: Mapping[str, LaneConfig]) -> LanePair | None:
        """The two lanes. Raises UnknownName, and BadRequest for one alone or the same twice."""
        if self.from_lane is None and self.to_lane is None:
            return None
        if self.from_lane is None or self.to_lane is None or self.from_lane == self.to_lane:
            raise BadRequest(f"from_lane and to_lane are two lanes of {', '.join(lanes)}; give both, or neither")
        for name in (self.from_lane, self.to_lane):
            if name not in lanes:
                raise UnknownName("lane", name, lanes)
        return self.from_lane, self.to_lane

    def grid(self) -> Floats:
        """The thresholds, ascending. Raises BadRequest for a step that never ends or too many."""
        found = _RANGE.fullmatch(self.thresholds)
        if found is None or found[1] is None:
            return np.unique([float(each) for each in self.thresholds.split(",")][: MAX_THRESHOLDS + 1])
        first, last, step = (float(each) for each in found.groups())
        if step <= 0 or last < first or (last - first) / step >= MAX_THRESHOLDS:
            raise BadRequest(
                f"thresholds {self.thresholds}: write first:last:step, going up, {MAX_THRESHOLDS} steps at most"
            )
        return np.round(first + step * np.arange(int((last - first) / step + 1e-9) + 1), 9)

    @field_validator("thresholds")
    @classmethod
    def _readable(cls, text: str) -> str:
        """Refuse what is no range and no list."""
        if not _RANGE.fullmatch(text):
            raise ValueError("write first:last:step such as 0:1:0.05, or numbers with commas")
        return text


@dataclass(frozen=True, slots=True)
class SliceSweep:
    """The sums of a slice, and what is to be said of it whatever the threshold."""

    name: str | None
    n: int
    sweep: ThresholdSweep
    facts: dict[str, Any]
    of: int  # task types that were there, whether they have a slice of their own or not


@dataclass(frozen=True, slots=True)
class WhatIfQuery(Query[Result]):
    """The question: a row for each slice and threshold; facts about each slice."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/whatif",
        "whatif",
        "Escalation, quality, cost and latency at other thresholds, or why nobody can say",
        columns(
            task_type=MAYBE_TEXT,
            threshold=NUMBER,
            n=COUNT,
            escalation_rate=SHARE,
            evidence=one_of("pairs", "none"),
            unsupported_share=SHARE,
            **dict.fromkeys(("quality", "quality_lowest", "quality_highest", "cost_usd", "latency_ms"), FIGURE),
        ),
        columns(slices=list_of(OBJECT), rule=TEXT, task_types=COUNT, from_lane=MAYBE_TEXT, to_lane=MAYBE_TEXT),
        problems=("404",),
    )
    arguments: WhatIfArgs

    def run(self, session: StoreSession) -> Result:
        """Look the thresholds up in the sums. Raises NotFound where no request of the window has a confidence."""
        grid, slices = self.arguments.grid(), _kept(session, self.arguments)
        if not slices:
            what = f" of task type '{self.arguments.task_type}'" if self.arguments.task_type is not None else ""
            raise NotFound(f"no requests{what} with a confidence and a lane in this window: nothing to learn from")
        tables = [_rows(each, grid) for each in slices]
        lanes = {"from_lane": self.arguments.from_lane, "to_lane": self.arguments.to_lane}
        facts = [each.facts | {"non_monotone": diagnostics.non_monotone_steps(each.sweep, grid)} for each in slices]
        told = {"slices": facts, "rule": diagnostics.THRESHOLD_RULE_TEXT, **lanes, "task_types": slices[0].of}
        return Result(pa.concat_tables(tables), told)


def _kept(session: StoreSession, arguments: WhatIfArgs) -> list[SliceSweep]:
    """The slices of a window, made anew when they are older than CACHE_TTL_S."""
    window = arguments.model_dump_json(exclude={"thresholds"})
    return session.cache.get("what-if", window, lambda: list(_slices(session, arguments)), _ROOM, _knots)


def _knots(slices: list[SliceSweep]) -> int:
    return sum(len(each.sweep.knots) for each in slices)


def _slices(session: StoreSession, arguments: WhatIfArgs) -> Iterator[SliceSweep]:
    """All traffic and each task type, or the one that was asked for. Raises TooMuch, TooSlow, Abandoned."""
    name = arguments.task_type
    wanted = (f"task_type:{name}",) if name is not None else ()
    window = arguments.model_copy(update={"where": (*arguments.where, *wanted)})
    most = session.config.limits.answer_values
    table = read_audited_rows(session, select_traffic(window, session.config, arguments.between(session.config.lanes)))
    of = pc.count_distinct(table["task_type"]).as_py()
    for rows in [usable_rows(table, name)] if name is not None else slices_by_task_type(table, most):
        check_budget()
        if rows.rows.num_rows:
            yield _slice(rows, of)


def _slice(rows: TrafficSlice, of: int) -> SliceSweep:
    """The sums of one slice."""
    quality = rows.quality()
    outcomes = {
        "quality": quality.outcome,
        "cost_usd": rows.outcome("cost_usd", "shadow_cost_usd"),
        "latency_ms": rows.outcome("duration_ms", "shadow_duration_ms"),
    }
    columns = sort_observations(rows.confidence, rows.large, rows.weight, outcomes)
    facts = diagnostics.slice_diagnostics(rows, columns, quality.basis)
    return SliceSweep(rows.name, rows.rows.num_rows, sweep_thresholds(columns), facts, of)


def _rows(part: SliceSweep, grid: Floats) -> pa.Table:
    """One slice's figures at each threshold."""
    rate, low, high = part.sweep.escalation(grid)
    quality = part.sweep.figure("quality", grid, bounded=True)
    columns: dict[str, Any] = {
        "task_type": pa.array([part.name] * len(grid), pa.string()),
        "threshold": grid,
        "n": np.full(len(grid), part.n),
        "escalation_rate": rate,
        "escalation_rate_low": low,
        "escalation_rate_high": high,
        "evidence": pa.array(np.where(np.isfinite(quality.value), "pairs", "none").tolist(), pa.string()),
        "unsupported_share": quality.unsupported,
        "quality_lowest": quality.lowest,
        "quality_highest": quality.highest,
    }
    for name in ("quality", *_MONEY):
        figure = quality if name == "quality" else part.sweep.figure(name, grid, bounded=False)
        columns |= {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}
        columns[f"{name}_n"] = figure.n.astype(np.int64)
    return pa.table({name: _nullable(column) for name, column in columns.items()})


def _nullable(column: Any) -> Any:
    """NaN as null."""
    return pa.array(column, from_pandas=True) if isinstance(column, np.ndarray) else column
