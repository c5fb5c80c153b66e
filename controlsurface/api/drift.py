"""The address that accepts a drift as the new baseline."""

from controlsurface.alerting.accepting import Acceptance, AcceptDrift
from controlsurface.api.shapes import MAYBE_TEXT, TEXT, TIME, many, record
from controlsurface.api.telling import Call, Telling, Told
from controlsurface.reader import Reader

ACCEPTED = record({"rule": TEXT, "slices": many({"type": "object"}), "at": TIME, "who": TEXT, "why": MAYBE_TEXT})


def accept_drift(reader: Reader, acceptance: Acceptance, call: Call) -> Told:
    """Accept it under the name of whoever says so."""
    named = acceptance.model_copy(update={"who": call.caller.name or acceptance.who})
    return Told(reader.do(AcceptDrift(call.path["alert"], named)))


TELLINGS = (
    Telling(
        "/api/v1/rules/{alert:path}/accept",
        "Take what a drift rule sees now as its baseline",
        Acceptance,
        accept_drift,
        ACCEPTED,
        problems=("404",),
    ),
)
