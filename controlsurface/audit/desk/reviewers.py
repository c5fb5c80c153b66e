"""Do reviewers see the same? Each two of them, over the items that both labelled."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from controlsurface.audit.agreement import agreement
from controlsurface.audit.desk.queue import within
from controlsurface.metrics.arguments import Window
from controlsurface.metrics.statement import bounded, row_limit, where
from controlsurface.reader.asking import Answer, Ground, Query, ReadEndpoint
from controlsurface.reader.columns import COUNT, TEXT, columns

_SHARES = ("raw", "low", "high", "ac1", "ac1_low", "ac1_high")
_COLUMNS: dict[str, pa.DataType] = {
    "one": pa.string(),
    "other": pa.string(),
    "n": pa.int64(),
    **dict.fromkeys(_SHARES, pa.float64()),
}
SCHEMA = pa.schema(_COLUMNS)


@dataclass(frozen=True, slots=True)
class Reviewers(Query[Answer]):
    """How often each two reviewers say the same, raw and beyond chance (Gwet's AC1), most shared items first."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/audits/reviewers",
        "reviewers",
        "How often reviewers say the same",
        columns(one=TEXT, other=TEXT, n=COUNT),
    )
    arguments: Window

    def answered(self, ground: Ground) -> Answer:
        """Rows: one, other, n, raw with its interval, ac1 with its interval."""
        pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for row in bounded(ground.state(*_pairs(self.arguments))).to_pylist():
            pairs.setdefault((row["one"], row["other"]), []).append((row["said"], row["also"]))
        rows = [_row(one, other, said) for (one, other), said in sorted(pairs.items())]
        return Answer(pa.Table.from_pylist(sorted(rows, key=lambda row: -int(row["n"] or 0)), SCHEMA))


def _pairs(args: Window) -> tuple[str, dict[str, Any]]:
    """The query whose rows are items that two reviewers labelled: one, other, said, also."""
    found, parameters = within(args, "all", "")
    sql = f"""\
SELECT a.reviewer AS one, b.reviewer AS other, a.verdict AS said, b.verdict AS also
FROM audit_labels_live AS a
JOIN audit_labels_live AS b ON b.item_id = a.item_id AND b.reviewer > a.reviewer
JOIN audit_items AS i ON i.item_id = a.item_id{where(found, "")}
LIMIT $row_limit"""
    return sql, parameters | row_limit()


def _row(one: str, other: str, said: list[tuple[str, str]]) -> dict[str, str | int | float | None]:
    found = agreement([mine for mine, _ in said], [yours for _, yours in said])
    return {"one": one, "other": other, "n": found.n, **{name: getattr(found, name) for name in _SHARES}}
