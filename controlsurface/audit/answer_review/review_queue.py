"""The queue of pairs to review: filled from the calls, in an order that is random and stays as it is.

Labelled items are a random part of all, whoever labels how many, because the order is a hash of item and reviewer:
that is what estimates from labels rest on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from controlsurface.audit.answer_review.review_card import review_cards
from controlsurface.audit.answer_review.review_labels import ReviewerName
from controlsurface.client.arrow_tables import COUNT, INTEGER, MAYBE_TEXT, TEXT, TIME, columns
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.client.result_cache import CachePolicy
from controlsurface.errors import UnknownName
from controlsurface.query.arguments import ArgumentText, FilteredRange
from controlsurface.query.statement import where_clause
from controlsurface.store.named_query import StateSql

REFILL_INTERVAL_S = 10.0  # how long the queue is not looked at again
_ROOM = CachePolicy(REFILL_INTERVAL_S)

_REFILL = Path(__file__).with_name("refill.sql").read_text("utf-8").rstrip("\n")
# Late spans may still change what was paired within the hour; what is labelled stays as it was shown. A sender whose
# clock is ahead must not be the newest for days.
_RECENT = """\
DELETE FROM audit_items AS i
WHERE i.started_at > least((SELECT max(started_at) FROM audit_items), CAST(now() AS TIMESTAMP)) - INTERVAL 1 HOUR
    AND NOT EXISTS (SELECT 1 FROM audit_labels AS l WHERE l.item_id = i.item_id)"""

_STANDING = """\
WITH live AS (
    SELECT
        item_id, reviewer, max(revision) AS revision,
        max_by(struct_pack(verdict := verdict, labelled_at := labelled_at), revision) AS word
    FROM audit_labels
    GROUP BY item_id, reviewer
),
said AS (
    SELECT item_id, count(*) AS labels, bool_or(reviewer = $by) AS mine
    FROM live
    WHERE word.verdict IS NOT NULL
    GROUP BY item_id
),
seen AS (
    SELECT i.item_id, coalesce(said.labels, 0) AS labels, coalesce(said.mine, false) AS mine
    FROM audit_items AS i LEFT JOIN said ON said.item_id = i.item_id{where}
),
last AS (
    SELECT item_id, revision FROM live WHERE reviewer = $by AND word.verdict IS NOT NULL
    ORDER BY word.labelled_at DESC, item_id LIMIT 1
)
SELECT
    count(*) AS items, count(*) FILTER (labels = 0) AS open, count(*) FILTER (labels >= 2) AS twice,
    count(*) FILTER (mine) AS mine,
    min_by(item_id, md5(item_id || $by)) FILTER (labels = 0) AS next_open,
    min_by(item_id, md5(item_id || $by)) FILTER (labels > 0 AND NOT mine) AS next_second,
    (SELECT item_id FROM last) AS last_item, (SELECT revision FROM last) AS last_revision
FROM seen"""
# With the newest word of this reviewer on it.
_ITEM = """\
SELECT i.*, l.revision, l.verdict, l.comment
FROM audit_items AS i
LEFT JOIN (
    SELECT revision, verdict, comment FROM audit_labels WHERE item_id = $item AND reviewer = $by
    ORDER BY revision DESC LIMIT 1
) AS l ON true
WHERE i.item_id = $item"""

_OWN = "task_type lane model shadow_lane shadow_model router router_version tenant team environment".split()
ITEM_DIMENSIONS = {name: name for name in _OWN} | {"answered_by": "model"}

_LIVE = "SELECT 1 FROM audit_labels_live AS l WHERE l.item_id = i.item_id"
ItemFilter = Literal["open", "second", "mine", "all"]
_WHICH: dict[ItemFilter, str] = {
    "open": f"NOT EXISTS ({_LIVE})",
    "second": f"EXISTS ({_LIVE}) AND NOT EXISTS ({_LIVE} AND l.reviewer = $reviewer)",
    "mine": f"EXISTS ({_LIVE} AND l.reviewer = $reviewer)",
    "all": "true",
}


class ReviewItemsArgs(FilteredRange):
    """Which items."""

    which: ItemFilter = Field(
        "all", description="open: without a label; second: labelled, but not by reviewer; mine; all"
    )
    reviewer: ArgumentText = Field("", description="whose labels `second` and `mine` are about")
    limit: int = Field(100, ge=1, le=10_000, description="at most so many, newest first")


class NextItemArgs(FilteredRange):
    """Whose turn it is, and out of which items."""

    reviewer: ReviewerName = Field(description="who reviews")
    which: Literal["open", "second"] = Field("open", description="open: nobody's label yet; second: others' only")
    item: ArgumentText | None = Field(None, description="this item, whatever was said of it")


ITEM = columns(item_id=TEXT, request_id=TEXT, started_at=TIME, task_type=MAYBE_TEXT)
COUNTS = columns(items=COUNT, open=COUNT, twice=COUNT, mine=COUNT, last_item=MAYBE_TEXT, last_revision=INTEGER)


@dataclass(frozen=True, slots=True)
class ReviewItemsQuery(Query[Result]):
    """Items with their labels, newest first; facts: how many there are of each kind."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/audits", "audits", "Pairs of answers, and what people said of them", ITEM, COUNTS
    )
    arguments: ReviewItemsArgs

    def run(self, session: StoreSession) -> Result:
        """Rows: the columns of audit_items (trace ids in hex), labels, reviewers, verdicts."""
        refill_queue(session)
        facts = count_items(session, self.arguments, self.arguments.reviewer)
        return Result(session.state(*select_items(self.arguments)), _told(facts))


@dataclass(frozen=True, slots=True)
class NextItemQuery(Query[Result]):
    """The next item of a reviewer as a card without lanes and models; no row when there is none left."""

    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/audits/next", "next_audit", "The next pair to review, blind", ITEM, COUNTS
    )
    arguments: NextItemArgs

    def run(self, session: StoreSession) -> Result:
        """One row or none; facts: those of `count_items`."""
        refill_queue(session)
        args = self.arguments
        facts = count_items(session, args, args.reviewer)
        item = args.item or facts[f"next_{args.which}"]
        found = session.state(_ITEM, {"item": item, "by": args.reviewer})
        return Result(review_cards(session, found, args.reviewer), _told(facts))


def refill_queue(session: StoreSession) -> None:
    """Queue what has come since; at most every REFILL_INTERVAL_S."""
    session.cache.get("review queue", (), lambda: session.write([(_RECENT, {}), (_REFILL, {})]), _ROOM)


def select_items(args: ReviewItemsArgs) -> StateSql:
    """The query whose rows are items with what was said of them."""
    found, parameters = item_conditions(args, args.which, args.reviewer)
    sql = f"""\
SELECT
    i.* REPLACE (trace_hex(i.trace_id) AS trace_id, span_hex(i.span_id) AS span_id,
        trace_hex(i.shadow_trace_id) AS shadow_trace_id, span_hex(i.shadow_span_id) AS shadow_span_id),
    coalesce(said.labels, 0) AS labels, said.reviewers, said.verdicts
FROM audit_items AS i
LEFT JOIN (
    SELECT
        item_id, count(*) AS labels, string_agg(reviewer, ', ' ORDER BY reviewer) AS reviewers,
        string_agg(verdict, ', ' ORDER BY reviewer) AS verdicts
    FROM audit_labels_live GROUP BY item_id
) AS said ON said.item_id = i.item_id{where_clause(found, "")}
ORDER BY i.started_at DESC NULLS LAST, i.item_id
LIMIT $row_limit"""
    return sql, parameters | {"row_limit": args.limit}


def count_items(session: StoreSession, args: FilteredRange, reviewer: str) -> dict[str, Any]:
    """One pass over the window: how many items there are, are open, have two labels, have one of `reviewer`.

    Besides, what the reviewer is to see next in each queue, and said last (last_item, last_revision).
    """
    found, parameters = item_conditions(args, "all", reviewer)
    (row,) = session.state(_STANDING.format(where=where_clause(found)), parameters | {"by": reviewer}).to_pylist()
    return dict(row)


def _told(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that leave the process."""
    return {name: value for name, value in facts.items() if not name.startswith("next_")}


def item_conditions(args: FilteredRange, which: ItemFilter, reviewer: str) -> tuple[list[str], dict[str, Any]]:
    """What items must meet, and the values that stand for parameters. Raises UnknownName for another dimension."""
    found = [_WHICH[which]]
    parameters: dict[str, Any] = {"reviewer": reviewer} if "$reviewer" in _WHICH[which] else {}
    for name, operator in (("start", ">="), ("end", "<")):
        if (moment := getattr(args, name)) is not None:
            found.append(f"i.started_at {operator} ${name}")
            parameters[name] = moment
    for at, (dimension, values) in enumerate(args.filters().items()):
        found.append(f"list_contains($is_{at}, coalesce(CAST(i.{_column(dimension)} AS VARCHAR), ''))")
        parameters[f"is_{at}"] = [value or "" for value in values]
    return found, parameters


def _column(dimension: str) -> str:
    if dimension not in ITEM_DIMENSIONS:
        raise UnknownName("dimension of audits", dimension, ITEM_DIMENSIONS)
    return ITEM_DIMENSIONS[dimension]
