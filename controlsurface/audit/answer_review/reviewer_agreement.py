"""Do reviewers see the same? Each two of them, over the items that both labelled."""

from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from controlsurface.audit.answer_review.review_queue import item_conditions
from controlsurface.audit.statistics.agreement import measure_agreement
from controlsurface.client.arrow_tables import COUNT, TEXT, columns
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.query.arguments import FilteredRange
from controlsurface.query.statement import bounded, row_limit, where_clause

_SHARES = ("raw", "low", "high", "ac1", "ac1_low", "ac1_high")
_COLUMNS: dict[str, pa.DataType] = {"one": pa.string(), "other": pa.string(), "n": pa.int64()}
REVIEWER_AGREEMENT_SCHEMA = pa.schema(_COLUMNS | dict.fromkeys(_SHARES, pa.float64()))


@dataclass(frozen=True, slots=True)
class ReviewerAgreementQuery(Query[Result]):
    """How often each two reviewers say the same, raw and beyond chance (Gwet's AC1), most shared items first."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/audits/reviewers",
        "reviewers",
        "How often reviewers say the same",
        columns(one=TEXT, other=TEXT, n=COUNT),
    )
    arguments: FilteredRange

    def run(self, session: StoreSession) -> Result:
        """Rows: one, other, n, raw with its interval, ac1 with its interval."""
        pairs: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for row in bounded(session.state(*_pairs(self.arguments))).to_pylist():
            pairs.setdefault((row["one"], row["other"]), []).append((row["said"], row["also"]))
        rows = [_row(one, other, said) for (one, other), said in sorted(pairs.items())]
        rows.sort(key=lambda row: -int(row["n"] or 0))
        return Result(pa.Table.from_pylist(rows, REVIEWER_AGREEMENT_SCHEMA))


def _pairs(args: FilteredRange) -> tuple[str, dict[str, Any]]:
    """The query whose rows are items that two reviewers labelled: one, other, said, also."""
    found, parameters = item_conditions(args, "all", "")
    sql = f"""\
SELECT a.reviewer AS one, b.reviewer AS other, a.verdict AS said, b.verdict AS also
FROM audit_labels_live AS a
JOIN audit_labels_live AS b ON b.item_id = a.item_id AND b.reviewer > a.reviewer
JOIN audit_items AS i ON i.item_id = a.item_id{where_clause(found, "")}
LIMIT $row_limit"""
    return sql, parameters | row_limit()


def _row(one: str, other: str, said: list[tuple[str, str]]) -> dict[str, str | int | float | None]:
    found = measure_agreement([mine for mine, _ in said], [yours for _, yours in said])
    return {"one": one, "other": other, "n": found.n, **{name: getattr(found, name) for name in _SHARES}}
