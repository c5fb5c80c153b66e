"""Labels as rows that leave and come back: all revisions, so that what is brought back is what was taken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from controlsurface.audit.answer_review.review_labels import KEPT_LABEL, LabelVerdict, ReviewerName
from controlsurface.audit.answer_review.review_queue import item_conditions
from controlsurface.client.arrow_tables import COUNT, columns
from controlsurface.client.query_protocol import Command, Query, ReadEndpoint, Result, StoreSession, WriteEndpoint
from controlsurface.errors import Conflict
from controlsurface.query.arguments import Arguments, ArgumentText, FilteredRange, Instant
from controlsurface.query.statement import where_clause

MAX_LABELS_PER_COMMAND = 100  # labels in one order, so that a body stays under the server's bound

_FACTS = "request_id task_type lane model answer_label shadow_lane shadow_model shadow_label sampling_probability"
_BRING = """\
INSERT INTO audit_labels BY NAME
WITH brought AS (
    SELECT
        unnest($item_id) AS item_id, unnest($reviewer) AS reviewer, unnest(CAST($revision AS INTEGER[])) AS revision,
        unnest(CAST($verdict AS VARCHAR[])) AS verdict, unnest(CAST($shown_left AS VARCHAR[])) AS shown_left,
        unnest(CAST($comment AS VARCHAR[])) AS comment, unnest(CAST($labelled_at AS TIMESTAMP[])) AS labelled_at,
        unnest(CAST($said_by AS VARCHAR[])) AS said_by
)
SELECT * FROM brought AS b
WHERE NOT EXISTS (
    SELECT 1 FROM audit_labels AS l
    WHERE l.item_id = b.item_id AND l.reviewer = b.reviewer AND l.revision = b.revision
)"""
_THERE = """\
SELECT l.item_id, l.reviewer, l.revision, l.verdict, l.comment
FROM audit_labels AS l
WHERE l.item_id IN (SELECT unnest($item_id))"""
_HERE = "SELECT count(DISTINCT item_id) AS n FROM audit_items WHERE item_id IN (SELECT unnest($item_id))"


class LabelsArgs(FilteredRange):
    """Which labels: those of items in the window; without one, all there are."""

    reviewer: ArgumentText | None = Field(None, description="only what this reviewer says")


class LabelRow(Arguments):
    """One revision of a label, as `audit export` writes it; columns about the item are not read back."""

    item_id: ArgumentText = Field(min_length=1, description="the item")
    reviewer: ReviewerName = Field(description="who says so")
    revision: int = Field(1, ge=1, lt=1_000_000, description="the reviewer's first, second, ... word on the item")
    verdict: LabelVerdict | None = Field(description="which answer is right; null: taken back")
    shown_left: Literal["production", "shadow"] | None = Field(None, description="what stood on the left")
    comment: ArgumentText | None = Field(None, description="why")
    labelled_at: Instant | None = Field(None, description="when; left out: now")
    said_by: ArgumentText = Field("import", description="where it was said")


class LabelRows(Arguments):
    """Labels to bring."""

    rows: tuple[LabelRow, ...] = Field(max_length=MAX_LABELS_PER_COMMAND, description="labels")


@dataclass(frozen=True, slots=True)
class LabelsQuery(Query[Result]):
    """All revisions of labels, with what their items are about."""

    endpoint: ClassVar = ReadEndpoint("/api/v1/audits/labels", "labels", "All labels with their history", KEPT_LABEL)
    arguments: LabelsArgs

    def run(self, session: StoreSession) -> Result:
        """Rows in order of time: item_id, reviewer, revision, verdict, ..., request_id, task_type, lane, model, ..."""
        found, parameters = item_conditions(self.arguments, "all", "")
        if self.arguments.reviewer:
            found.append("l.reviewer = $reviewer")
            parameters["reviewer"] = self.arguments.reviewer
        sql = f"""\
SELECT l.*, {", ".join(f"i.{name}" for name in _FACTS.split())}
FROM audit_labels AS l LEFT JOIN audit_items AS i ON i.item_id = l.item_id{where_clause(found, "")}
ORDER BY l.labelled_at, l.item_id, l.reviewer, l.revision"""
        return Result(session.state(sql, parameters))


@dataclass(frozen=True, slots=True)
class ImportLabelsCommand(Command):
    """The order to keep labels from elsewhere; those that are there already change nothing. Raises Conflict."""

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/audits/labels",
        "bring_labels",
        "Bring labels from elsewhere",
        columns(new=COUNT, known=COUNT, without_item=COUNT),
        role="admin",
        problems=("409",),
    )
    body: LabelRows

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Keep them; how many were new, were there, and are about items that are not here."""
        rows = self.body.rows
        items = {"item_id": [each.item_id for each in rows]}
        there = _agreeing(rows, session.state(_THERE, items))
        session.write([(_BRING, _columns(rows))])
        here = session.state(_HERE, items).to_pylist()[0]["n"]
        return {"new": len(rows) - there, "known": there, "without_item": len({*items["item_id"]}) - here}


def _agreeing(rows: Sequence[LabelRow], there: pa.Table) -> int:
    """How many of the rows are kept already. Raises Conflict where a kept one says something else."""
    kept = {(r["item_id"], r["reviewer"], r["revision"]): (r["verdict"], r["comment"]) for r in there.to_pylist()}
    found = 0
    for each in rows:
        key = (each.item_id, each.reviewer, each.revision)
        if key in kept and kept[key] != (each.verdict, each.comment):
            raise Conflict(f"revision {each.revision} of {each.reviewer} on {each.item_id} says {kept[key][0]} here")
        found += key in kept
    return found


def _columns(rows: Sequence[LabelRow]) -> dict[str, list[Any]]:
    """The rows by column, as the statement takes them."""
    now = datetime.now(UTC)
    columns = {name: [getattr(each, name) for each in rows] for name in LabelRow.model_fields}
    columns["labelled_at"] = [each or now for each in columns["labelled_at"]]
    return columns
