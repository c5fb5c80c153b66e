"""The review desk: pairs of answers, blind and side by side, and what people say about them."""

from controlsurface.audit.desk.exchange import BringLabels, LabelRow, LabelRows, Labels, LabelsArgs
from controlsurface.audit.desk.labels import Label, SayLabel, Side
from controlsurface.audit.desk.queue import Items, ItemsArgs, Next, NextArgs
from controlsurface.audit.desk.reviewers import Reviewers

__all__ = [
    "BringLabels",
    "Items",
    "ItemsArgs",
    "Label",
    "LabelRow",
    "LabelRows",
    "Labels",
    "LabelsArgs",
    "Next",
    "NextArgs",
    "Reviewers",
    "SayLabel",
    "Side",
]
