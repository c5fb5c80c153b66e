"""The addresses of silences, in Alertmanager's shapes."""

from controlsurface.alerting import silencing
from controlsurface.api.encode import Tabular
from controlsurface.api.operation import Operation, Path
from controlsurface.api.shapes import TEXT, TIME, many, record
from controlsurface.api.telling import Call, Telling, Told
from controlsurface.reader import Reader

_FLAG = {"type": "boolean"}
_MATCHER = record({"name": TEXT, "value": TEXT, "isRegex": _FLAG, "isEqual": _FLAG})
_SILENCE = record(
    {"id": TEXT, "status": record({"state": {"enum": ["pending", "active", "expired"]}}), "matchers": many(_MATCHER)}
    | dict.fromkeys(("startsAt", "endsAt", "updatedAt"), TIME)
    | dict.fromkeys(("createdBy", "comment"), TEXT)
)


def silences(reader: Reader, _: silencing.NoArguments, __: Path) -> Tabular:
    """All silences."""
    return Tabular("silences", reader.ask(silencing.Silences()).rows, bare=True)


def put_silence(reader: Reader, body: silencing.SilenceBody, call: Call) -> Told:
    """Keep a silence; a caller with a name is its author."""
    named = body.model_copy(update={"createdBy": call.caller.name or body.createdBy})
    return Told(reader.do(silencing.PutSilence(named)))


def expire_silence(reader: Reader, _: silencing.NoArguments, call: Call) -> Told:
    """End a silence."""
    return Told(reader.do(silencing.ExpireSilence(call.path["silence_id"])))


OPERATIONS = (
    Operation(silencing.PATH, "All silences, the newest first", silencing.NoArguments, silences, many(_SILENCE)),
)
TELLINGS = (
    Telling(
        silencing.PATH,
        "Silence alerts for a time, or change a silence",
        silencing.SilenceBody,
        put_silence,
        record({"silenceID": TEXT}),
        status=200,
        problems=("404",),
    ),
    Telling(
        f"{silencing.PATH}/{{silence_id}}",
        "End a silence now",
        silencing.NoArguments,
        expire_silence,
        _SILENCE,
        method="DELETE",
        status=200,
        problems=("404",),
    ),
)
