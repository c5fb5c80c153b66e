"""All addresses that take a body."""

from controlsurface.api import (
    alerting_silences,
    alerts,
    audits,
    desk,
    drift,
    exports,
    policy,
    rederive,
    retention,
    shapes,
)
from controlsurface.api.telling import Call, Telling, Told
from controlsurface.metrics.claims import Claim
from controlsurface.metrics.events import Event
from controlsurface.reader import Reader


def tell_event(reader: Reader, event: Event, call: Call) -> Told:
    """Keep a change; a caller with a name is its source, whatever it says."""
    told = event.model_copy(update={"source": call.caller.name or event.source})
    reader.tell(told)
    return Told(told.model_dump())


def claim_model(reader: Reader, claim: Claim, call: Call) -> Told:
    """Put a model into a lane; a caller with a name is the source of the event."""
    told = claim.model_copy(update={"source": call.caller.name or claim.source})
    reader.claim(told)
    return Told(told.model_dump())


_CLAIM = "Put a model into a lane, and write it into the configuration file"
TELLINGS: tuple[Telling, ...] = (
    Telling("/api/v1/events", "Tell of a change", Event, tell_event, shapes.EVENT),
    Telling("/api/v1/lanes", _CLAIM, Claim, claim_model, shapes.CLAIM, role="admin", problems=("409",)),
    *retention.TELLINGS,
    *rederive.TELLINGS,
    *desk.TELLINGS,
    *drift.TELLINGS,
    *policy.TELLINGS,
    *audits.TELLINGS,
    *exports.TELLINGS,
    *alerting_silences.TELLINGS,
    *alerts.TELLINGS,
)
