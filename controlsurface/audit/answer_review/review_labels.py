"""Labels: who says which of two answers is right, which of them stood on the left, and that each word is kept once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from controlsurface.client.arrow_tables import COUNT, MAYBE_TEXT, TEXT, TIME, columns
from controlsurface.client.query_protocol import Command, StoreSession, WriteEndpoint
from controlsurface.errors import Conflict, NotFound
from controlsurface.query.arguments import Arguments, ArgumentText

AnswerOrigin = Literal["production", "shadow"]
LabelVerdict = Literal["production", "shadow", "both", "neither"]


def left_answer(item_id: str, reviewer: str) -> AnswerOrigin:
    """The answer that this reviewer sees on the left.

    >>> {left_answer("a", name) for name in "xyzuvw"} == {"production", "shadow"}
    True
    """
    return "shadow" if sha256(f"{item_id}\n{reviewer}".encode()).digest()[0] & 1 else "production"


def verdict_of_choice(said: str, left: AnswerOrigin) -> LabelVerdict:
    """A verdict as it was said, `left` and `right` turned into the answers that stood there.

    >>> verdict_of_choice("left", "shadow"), verdict_of_choice("right", "shadow"), verdict_of_choice("both", "shadow")
    ('shadow', 'production', 'both')
    """
    other: AnswerOrigin = "production" if left == "shadow" else "shadow"
    found: dict[str, LabelVerdict] = {"left": left, "right": other, "production": "production", "shadow": "shadow"}
    return found.get(said) or ("both" if said == "both" else "neither")


def choice_of_verdict(verdict: str | None, left: AnswerOrigin) -> str | None:
    """The inverse for the screen: where the answer that was chosen stands.

    >>> choice_of_verdict("shadow", "shadow"), choice_of_verdict("production", "shadow")
    ('left', 'right')
    >>> choice_of_verdict("neither", "shadow"), choice_of_verdict(None, "shadow")
    ('neither', None)
    """
    if verdict in {"production", "shadow"}:
        return "left" if verdict == left else "right"
    return verdict


LabelChoice = Literal["left", "right", "production", "shadow", "both", "neither"]
ReviewerName = Annotated[str, Field(min_length=1, max_length=100)]

# One statement, so that of two that come at once with the same revision only one is kept.
_KEEP = """\
INSERT INTO audit_labels BY NAME
SELECT
    $item_id AS item_id, $reviewer AS reviewer, CAST($revision AS INTEGER) AS revision, $verdict AS verdict,
    $shown_left AS shown_left, $comment AS comment, CAST($labelled_at AS TIMESTAMP) AS labelled_at, $said_by AS said_by
WHERE $revision - 1 = (
    SELECT coalesce(max(revision), 0) FROM audit_labels WHERE item_id = $item_id AND reviewer = $reviewer
)"""
_KEPT = """\
SELECT item_id, reviewer, revision, verdict, shown_left, comment, labelled_at, said_by
FROM audit_labels
WHERE item_id = $item_id AND reviewer = $reviewer
ORDER BY revision DESC"""


class Label(Arguments):
    """What a reviewer says of an item. `revision` counts what this reviewer said of it: 1, 2, ...

    Item, reviewer and revision are the label's key: sent twice it is kept once, and what would follow a revision that
    is not the newest is refused.
    """

    reviewer: ReviewerName = Field(description="who says so; a caller with a name is always taken by it")
    revision: int = Field(ge=1, lt=1_000_000, description="one more than the newest of this item and reviewer")
    verdict: LabelChoice | None = Field(
        description="which answer is right; left and right as shown blind; null: taken back"
    )
    comment: ArgumentText | None = Field(None, description="why")
    said_by: Literal["desk", "api", "cli"] = Field("api", description="where it was said")


KEPT_LABEL = columns(
    **dict.fromkeys(("item_id", "reviewer", "said_by"), TEXT),
    revision=COUNT,
    verdict=MAYBE_TEXT,
    comment=MAYBE_TEXT,
    labelled_at=TIME,
)


@dataclass(frozen=True, slots=True)
class SetLabelCommand(Command):
    """The order to keep a label of an item; the label as it is kept. Raises NotFound, Conflict."""

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/audits/{item_id:path}/label",
        "say_label",
        "Say which of two answers is right; the same said twice is kept once",
        KEPT_LABEL,
        author="reviewer",
        problems=("404", "409"),
    )
    item_id: str
    body: Label

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Keep it; once this returns it is on the disk."""
        _check_item(session, self.item_id)
        row = self._row()
        session.write([(_KEEP, row)])
        return stored_label(session, row)

    def _row(self) -> dict[str, Any]:
        said, left = self.body, left_answer(self.item_id, self.body.reviewer)
        blind = said.said_by == "desk" or said.verdict in {"left", "right"}
        return {
            "item_id": self.item_id,
            "reviewer": said.reviewer,
            "revision": said.revision,
            "verdict": verdict_of_choice(said.verdict, left) if said.verdict else None,
            "shown_left": left if blind else None,
            "comment": said.comment or None,
            "labelled_at": datetime.now(UTC),
            "said_by": said.said_by,
        }


def stored_label(session: StoreSession, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The label of that key, if it says what `row` says. Raises Conflict."""
    names = {name: row[name] for name in ("item_id", "reviewer")}
    history = session.state(_KEPT, names).to_pylist()
    found: Mapping[str, Any] | None = next((each for each in history if each["revision"] == row["revision"]), None)
    if found is None:
        newest = history[0]["revision"] if history else 0
        raise Conflict(f"revision {row['revision']} does not follow revision {newest} of {row['reviewer']}")
    if any(found[name] != row[name] for name in ("verdict", "comment")):
        raise Conflict(f"revision {row['revision']} of {row['reviewer']} says something else: {found['verdict']}")
    return found


def _check_item(session: StoreSession, item_id: str) -> None:
    """Nothing, where there is such an item. Raises NotFound."""
    found = session.state("SELECT 1 FROM audit_items WHERE item_id = $item_id", {"item_id": item_id})
    if not found.num_rows:
        raise NotFound(f"no audit item '{item_id[:100]}'")
