"""The address of the retention: what is kept, and the wish that what is too old goes now."""

from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import COUNT, MAYBE_TEXT, TEXT, TIME, Schema, many, record
from controlsurface.api.telling import Call, Telling, Told
from controlsurface.reader import Reader, retention

_SIZE: Schema = {"type": ["integer", "null"]}
KEPT = record(
    {
        "tables": many(
            record(
                {"table": TEXT, "kind": TEXT, "keep_s": COUNT, "rows": COUNT, "oldest": TIME}
                | {"too_old": COUNT, "bytes": _SIZE, "removed": COUNT}
            )
        ),
        **dict.fromkeys(("last_run_at", "next_run_at", "frozen_before", "rows_since"), TIME),
        "problem": MAYBE_TEXT,
        "asked": COUNT,
    }
)


def kept(reader: Reader, args: retention.Nothing, _: Path) -> Tabular:
    """What is kept."""
    answer = reader.ask(retention.Kept(args))
    return Tabular("tables", answer.rows, answer.facts)


def retain(reader: Reader, wish: retention.Wish, call: Call) -> Told:
    """Keep the wish under the name of whoever has it."""
    return Told(reader.do(retention.Retain(wish.model_copy(update={"who": call.caller.name or wish.who}))))


OPERATIONS = (
    Operation(
        retention.PATH, "How long things are kept, what is there and what is too old", retention.Nothing, kept, KEPT
    ),
)
TELLINGS = (
    Telling(
        retention.PATH,
        "Remove what is too old now, not within the hour",
        retention.Wish,
        retain,
        record({"at": TIME, "who": TEXT}),
        role="admin",
        status=202,
    ),
)
