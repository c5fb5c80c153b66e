"""The addresses of the review desk."""

from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import COUNT, MAYBE_TEXT, TEXT, TIME, many, record
from controlsurface.api.telling import Call, Telling, Told
from controlsurface.audit import desk
from controlsurface.metrics.arguments import Window
from controlsurface.reader import Reader

_ITEM = record({"item_id": TEXT, "request_id": TEXT, "started_at": TIME, "task_type": MAYBE_TEXT})
_COUNTS = dict.fromkeys(("items", "open", "twice", "mine"), COUNT)
_LAST = {"last_item": MAYBE_TEXT, "last_revision": {"type": ["integer", "null"]}}
ITEMS = record({"rows": many(_ITEM), **_COUNTS, **_LAST})
LABEL = record(
    {"item_id": TEXT, "reviewer": TEXT, "revision": COUNT, "verdict": MAYBE_TEXT, "comment": MAYBE_TEXT}
    | {"labelled_at": TIME, "said_by": TEXT}
)
LABELS = record({"rows": many(LABEL)})
REVIEWERS = record({"rows": many(record({"one": TEXT, "other": TEXT, "n": COUNT}))})
BROUGHT = record(dict.fromkeys(("new", "known", "without_item"), COUNT))


def audits(reader: Reader, args: desk.ItemsArgs, _: Path) -> Tabular:
    """Pairs."""
    answer = reader.ask(desk.Items(args))
    return Tabular("rows", answer.rows, answer.facts)


def next_audit(reader: Reader, args: desk.NextArgs, _: Path) -> Tabular:
    """The next card."""
    answer = reader.ask(desk.Next(args))
    return Tabular("rows", answer.rows, answer.facts)


def labels(reader: Reader, args: desk.LabelsArgs, _: Path) -> Tabular:
    """All that was said."""
    return Tabular("rows", reader.ask(desk.Labels(args)).rows)


def reviewers(reader: Reader, args: Window, _: Path) -> Tabular:
    """Each two reviewers."""
    return Tabular("rows", reader.ask(desk.Reviewers(args)).rows)


def say_label(reader: Reader, label: desk.Label, call: Call) -> Told:
    """Keep a label under the name of whoever sends it."""
    named = label.model_copy(update={"reviewer": call.caller.name or label.reviewer})
    return Told(reader.do(desk.SayLabel(call.path["item_id"], named)))


def bring_labels(reader: Reader, rows: desk.LabelRows, _: Call) -> Told:
    """Keep labels from elsewhere."""
    return Told(reader.do(desk.BringLabels(rows)))


OPERATIONS = (
    Operation("/api/v1/audits", "Pairs of answers, and what people said of them", desk.ItemsArgs, audits, ITEMS),
    Operation("/api/v1/audits/next", "The next pair to review, blind", desk.NextArgs, next_audit, ITEMS),
    Operation("/api/v1/audits/reviewers", "How often reviewers say the same", Window, reviewers, REVIEWERS),
    Operation("/api/v1/audits/labels", "All labels with their history", desk.LabelsArgs, labels, LABELS),
)
TELLINGS = (
    Telling(
        "/api/v1/audits/{item_id:path}/label",
        "Say which of two answers is right; the same said twice is kept once",
        desk.Label,
        say_label,
        LABEL,
        problems=("404", "409"),
    ),
    Telling(
        "/api/v1/audits/labels",
        "Bring labels from elsewhere",
        desk.LabelRows,
        bring_labels,
        BROUGHT,
        role="admin",
        problems=("409",),
    ),
)
