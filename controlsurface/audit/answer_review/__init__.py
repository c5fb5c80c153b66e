"""The review desk: pairs of answers, blind and side by side, and what people say about them."""

from controlsurface.audit.answer_review.label_exchange import (
    ImportLabelsCommand,
    LabelRow,
    LabelRows,
    LabelsArgs,
    LabelsQuery,
)
from controlsurface.audit.answer_review.review_labels import Label, LabelChoice, SetLabelCommand
from controlsurface.audit.answer_review.review_queue import (
    NextItemArgs,
    NextItemQuery,
    ReviewItemsArgs,
    ReviewItemsQuery,
)
from controlsurface.audit.answer_review.reviewer_agreement import ReviewerAgreementQuery

__all__ = [
    "ImportLabelsCommand",
    "Label",
    "LabelChoice",
    "LabelRow",
    "LabelRows",
    "LabelsArgs",
    "LabelsQuery",
    "NextItemArgs",
    "NextItemQuery",
    "ReviewItemsArgs",
    "ReviewItemsQuery",
    "ReviewerAgreementQuery",
    "SetLabelCommand",
]
