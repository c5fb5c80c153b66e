"""The address of weekly exports: what was exported of closed weeks, and the revision of what is exported now."""

from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import COUNT, MAYBE_TEXT, TEXT, TIME, Schema, many, record
from controlsurface.api.telling import Call, Telling, Told
from controlsurface.export import revisions
from controlsurface.reader import Reader

_EXPORT = record(
    {"week": TEXT, "by": TEXT, "revision": COUNT, "exported_at": TIME, "rows_sha256": TEXT, "totals": TEXT}
    | {"restates": MAYBE_TEXT}
)
_RESTATED: Schema = {"type": ["object", "null"]}


def exports(reader: Reader, args: revisions.ExportsArgs, _: Path) -> Tabular:
    """What was exported."""
    return Tabular("exports", reader.ask(revisions.WeeklyExports(args)).rows)


def revise(reader: Reader, body: revisions.Exported, _: Call) -> Told:
    """Keep an export; whoever may read the figures may export them."""
    return Told(reader.do(revisions.Revise(body)))


OPERATIONS = (
    Operation(
        revisions.PATH,
        "Exports of closed weeks: each revision with its totals and what it restates",
        revisions.ExportsArgs,
        exports,
        record({"exports": many(_EXPORT)}),
    ),
)
TELLINGS = (
    Telling(
        revisions.PATH,
        "Keep an export of a closed week, unless its figures are known; the answer is their revision",
        revisions.Exported,
        revise,
        record({"revision": COUNT, "exported_at": TIME, "restates": _RESTATED}),
        role="viewer",
        status=200,
        problems=("409",),
    ),
)
