"""The parts that all rendered statements share, the bound on rows, and statements run side by side."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from controlsurface.errors import BadRequest
from controlsurface.query.arguments import FilteredRange, argument_text
from controlsurface.query.dimensions import RowSource, dimension_column
from controlsurface.store.named_query import NamedQuery

MAX_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Statement(NamedQuery):
    """A data query. `again`: many questions ask this first, so its rows may be kept until something is written."""

    again: bool = False

    def shown(self) -> dict[str, str | float | None]:
        """The parameters as people read them."""
        return {
            name: value if isinstance(value, str | int | float) else argument_text(value)
            for name, value in self.parameters.items()
        }

    def bounded(self, rows: pa.Table) -> pa.Table:
        """The same rows. Raises BadRequest when there are too many."""
        return bounded(rows)


def bounded(rows: pa.Table) -> pa.Table:
    """The same rows. Raises BadRequest when there are more than MAX_ROWS, because a part would mislead."""
    if rows.num_rows > MAX_ROWS:
        raise BadRequest(
            f"the answer has more than {MAX_ROWS:,} rows; "
            "take a longer every, fewer dimensions in by, a narrower window, or filter with where"
        )
    return rows


def row_limit() -> dict[str, int]:
    """The parameter of LIMIT: one row more than may be handed out."""
    return {"row_limit": MAX_ROWS + 1}


def window_conditions(source: RowSource, window: FilteredRange) -> tuple[list[str], dict[str, Any]]:
    """What rows of `source` must meet to be in the window, and the values asked for. Raises UnknownName."""
    found, parameters = [], dict[str, Any]()
    for name, operator in (("start", ">="), ("end", "<")):
        moment = getattr(window, name)
        if moment is not None:
            found.append(f"r.started_at {operator} ${name}")
            parameters[name] = moment
    filters, values = filter_conditions(source, window)
    return [*found, *filters], parameters | values


def filter_conditions(source: RowSource, window: FilteredRange) -> tuple[list[str], dict[str, Any]]:
    """What rows must meet to pass the window's filters, and the values asked for. Raises UnknownName."""
    parameters = dict[str, Any]()
    found = [_one_of(dimension_column(source, name), values, parameters) for name, values in window.filters().items()]
    return found, parameters


def _one_of(column: str, values: Iterable[str | None], parameters: dict[str, Any]) -> str:
    """The condition that a column has one of the values; adds them to the parameters."""
    wanted = list(dict.fromkeys(values))
    names = [f"{column}_{i}" for i, value in enumerate(wanted) if value is not None]
    parameters.update({f"{column}_{i}": value for i, value in enumerate(wanted) if value is not None})
    listed = f"r.{column} IN ({', '.join(f'${name}' for name in names)})" if names else ""
    unknown = f"r.{column} IS NULL" if None in wanted else ""
    return f"({listed} OR {unknown})" if listed and unknown else listed or unknown


def where_clause(found: Iterable[str], indent: str = "    ") -> str:
    """A WHERE clause on lines of its own, or nothing."""
    parts = list(found)
    return f"\n{indent}WHERE " + f"\n{indent}    AND ".join(parts) if parts else ""


def group_by_clause(keys: Sequence[str]) -> str:
    """A GROUP BY on a line of its own, or nothing."""
    return f"\n    GROUP BY {', '.join(keys)}" if keys else ""


def order_by_clause(keys: Sequence[str]) -> str:
    """An ORDER BY on a line of its own, or nothing."""
    return f"\nORDER BY {', '.join(f'{key} NULLS LAST' for key in keys)}" if keys else ""


def select_cte(name: str, columns: Iterable[str], relation: str, keys: Sequence[str] = ()) -> str:
    """A common table expression: columns of a relation, one for each of the keys where there are any."""
    listed = ",\n        ".join(columns)
    return f"{name} AS (\n    SELECT\n        {listed}\n    FROM {relation}{group_by_clause(keys)}\n)"


T = TypeVar("T")
R = TypeVar("R")


def run_concurrently(run: Callable[[T], R], questions: Sequence[T]) -> list[R]:
    """What `run` says to each, at the same time: half of most statements is planning, and that takes one core."""
    first, *others = questions
    if not others:
        return [run(first)]
    with ThreadPoolExecutor(len(others)) as pool:
        found = [pool.submit(copy_context().run, run, each) for each in others]  # each on this answer's budget
        return [run(first), *(each.result() for each in found)]
