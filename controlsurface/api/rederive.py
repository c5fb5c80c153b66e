"""The address of reading stored spans again: how far it is, and the wish for it."""

from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import MAYBE_TEXT, TEXT, TIME, Schema, record
from controlsurface.api.telling import Call, Telling, Told
from controlsurface.reader import Reader, rederiving

_N: Schema = {"type": ["integer", "null"], "minimum": 0}
STATE = record(
    {
        **dict.fromkeys(("asked_at", "since", "until", "finished_at", "frozen_before"), TIME),
        **dict.fromkeys(("spans", "done", "changed", "frozen"), _N),
        **dict.fromkeys(("who", "problem", "vocabularies"), MAYBE_TEXT),
    }
)


def state(reader: Reader, args: rederiving.NoDetail, _: Path) -> Tabular:
    """How far it is."""
    return Tabular("rederiving", reader.ask(rederiving.Rederiving(args)).rows, single=True)


def rederive(reader: Reader, wish: rederiving.RederiveWish, call: Call) -> Told:
    """Keep the wish under the name of whoever has it."""
    return Told(reader.do(rederiving.Rederive(wish.model_copy(update={"who": call.caller.name or wish.who}))))


OPERATIONS = (
    Operation(
        rederiving.PATH, "How far stored spans are read again, of the last time", rederiving.NoDetail, state, STATE
    ),
)
TELLINGS = (
    Telling(
        rederiving.PATH,
        "Read stored spans again by the vocabularies, lanes and task types of now",
        rederiving.RederiveWish,
        rederive,
        record({"at": TIME, "who": TEXT}),
        role="admin",
        status=202,
    ),
)
