"""Ranked contributors without what is said twice: a pair's other side, the metric under another name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def folded(rows: Sequence[Row], metric: str) -> list[dict[str, Any]]:
    """The rows with `same_as`, those that have one behind: the metric, or `dimension:value` of the first such rows.

    A dimension of two values keeps the one that explains more of the change, or came up.
    """
    up = 1 if sum(row["delta"] for row in rows if row["distinct_values"] == 2) >= 0 else -1
    kept = [row for row in rows if row["distinct_values"] != 2 or row is _stronger(rows, row["dimension"], up)]
    marked = list(_marked(kept, metric))
    return [row for row in marked if row["same_as"] is None] + [row for row in marked if row["same_as"] is not None]


def _stronger(rows: Sequence[Row], dimension: str, up: int) -> Row:
    """The row of a pair that is shown."""
    pair = (row for row in rows if row["dimension"] == dimension)
    return max(
        pair, key=lambda row: (round(up * row["delta"], 9), (row["share_after"] or 0) - (row["share_before"] or 0))
    )


def _marked(rows: list[Row], metric: str) -> Iterator[dict[str, Any]]:
    """Each row with what it repeats, if it does."""
    first: dict[str, str] = {}
    for row in rows:
        name = f"{row['dimension']}:{row['value'] or ''}"
        same = metric if row["restates"] else first.setdefault(row["mark"], name)
        shown = {key: value for key, value in row.items() if key not in {"mark", "restates", "distinct_values"}}
        yield shown | {"same_as": None if same == name else same}
