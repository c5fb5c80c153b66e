"""Ranked contributors without what is said twice: a pair's other side, the metric under another name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
MIN_ROLLOUT_SHARE = 0.1  # of all rows, more than before: a rollout


def fold_duplicates(rows: Sequence[Row], metric: str) -> list[dict[str, Any]]:
    """The rows with `same_as`, those that have one behind: the metric, or `dimension:value` of the first such rows.

    A dimension of two values keeps the one that came up, or else explains more of the change; of a total both, since
    neither follows from the other.
    """
    up = 1 if sum(row["delta"] for row in rows if row["distinct_values"] == 2) >= 0 else -1
    kept = [row for row in rows if not _paired(row) or row is _stronger(rows, row["dimension"], up)]
    marked = list(_marked(kept, metric))
    return [row for row in marked if row["same_as"] is None] + [row for row in marked if row["same_as"] is not None]


def _paired(row: Row) -> bool:
    """Whether a row is one of two sides of a share or mean."""
    return bool(row["distinct_values"] == 2 and row["excess"] is None)


def _stronger(rows: Sequence[Row], dimension: str, up: int) -> Row:
    """The row of a pair that is shown."""
    return max((row for row in rows if row["dimension"] == dimension), key=lambda row: _strength(row, up))


def _strength(row: Row, up: int) -> tuple[bool, float]:
    """Came up, then how much of the change it explains."""
    grew = (row["share_after"] or 0) - (row["share_before"] or 0)
    return grew > MIN_ROLLOUT_SHARE, up * row["delta"]


def _marked(rows: list[Row], metric: str) -> Iterator[dict[str, Any]]:
    """Each row with what it repeats, if it does."""
    first: dict[str, str] = {}
    for row in rows:
        name = f"{row['dimension']}:{row['value'] or ''}"
        same = metric if row["restates"] else first.setdefault(row["mark"], name)
        yield {**row, "same_as": None if same == name else same}
