"""Every error a user can meet, in one tree, each with an exit code and an HTTP status.

ControlSurfaceError
├── ConfigError         a configuration or mapping file says something impossible
├── BadRequest          a query parameter or argument cannot be understood
│   └── UnknownName     ... because no such metric, dimension or column exists
├── NotFound            the request, trace or file asked for is not there
├── Forbidden           the caller's role may not do that
├── Conflict            somebody else was quicker
│   └── Stale           ... and the version this change rests on is no longer the newest
├── Unconditional       a change must name the version it rests on
├── BadBody             an OTLP body cannot be decoded
├── TooLarge            a body is over the size limit, before or after decompression
│   └── OverLimit       ... or holds more items or fields than one body may
├── TooSlow             a query ran into its time limit
├── TooMuch             an answer, or what it is made of, is over its limit of rows, bytes or memory
├── Abandoned           whoever asked has gone, so the query was stopped
├── WrongType           a body is not of the type that is taken
├── Busy                the receiver cannot take more now; try again later
│   ├── Throttled       ... because this client has shown too many wrong tokens
│   └── DiskFull        ... because the disk is full
├── StoreError          the data directory cannot be opened
│   ├── StoreInUse      another process owns it
│   ├── StoreTooNew     a newer version wrote it
│   └── StoreDiffers    its tables are not those of this version
├── PortInUse           another program listens where we should
├── PartFailed          a part of the server cannot start
├── RulesFailed         a test of alert rules did not come out as expected
├── GateBroken          a metric is beyond the bound of a gate
├── GateUndecided       ... or has too few rows to say
└── Unreachable         a running server does not answer
    └── Undelivered     a receiver of alerts did not take a message
        └── Refused     ... and never will
"""

from collections.abc import Iterable
from difflib import get_close_matches


class ControlSurfaceError(Exception):
    """The root: `exit_code` for the command line, `status` for HTTP, `title` for problem+json."""

    exit_code = 1
    status = 500
    title = "Internal error"


class ConfigError(ControlSurfaceError):
    """A configuration, mapping or vocabulary file is wrong; the text names file and place."""

    exit_code = 2
    status = 409
    title = "Bad configuration"


class BadRequest(ControlSurfaceError):
    """An argument or query parameter cannot be understood."""

    exit_code = 2
    status = 400
    title = "Bad request"


class UnknownName(BadRequest):
    """No metric, dimension or column of that name; the text offers the nearest one."""

    def __init__(self, kind: str, name: str, known: Iterable[str]):
        super().__init__(f"no {kind} named '{name}'{did_you_mean(name, known)}")


class NotFound(ControlSurfaceError):
    """What was asked for does not exist here."""

    exit_code = 4
    status = 404
    title = "Not found"


class Forbidden(ControlSurfaceError):
    """The caller's role may not do that."""

    exit_code = 10
    status = 403
    title = "Forbidden"


class Conflict(ControlSurfaceError):
    """What is to be changed was changed by somebody else meanwhile; look at it again."""

    exit_code = 11
    status = 409
    title = "Conflict"


class Stale(Conflict):
    """The version that a change rests on is no longer the newest (If-Match)."""

    status = 412
    title = "Precondition failed"


class Unconditional(ControlSurfaceError):
    """A change must name the version it rests on (RFC 6585, section 3)."""

    exit_code = 2
    status = 428
    title = "Precondition required"


class BadBody(ControlSurfaceError):
    """An OTLP body cannot be decoded."""

    exit_code = 5
    status = 400
    title = "Malformed body"


class TooLarge(ControlSurfaceError):
    """A body is larger than the receiver takes, as sent or after decompression."""

    exit_code = 5
    status = 413
    title = "Body too large"


class OverLimit(TooLarge):
    """A body holds more items, fields or depth than one may; the text names the key that allows more."""

    status = 400
    title = "Body holds too much"


class WrongType(ControlSurfaceError):
    """A body is not said to be of a type that is taken here (RFC 9110, section 15.5.16)."""

    exit_code = 2
    status = 415
    title = "Unsupported media type"


class Busy(ControlSurfaceError):
    """The receiver cannot take more at the moment; `retry_after_s` says when to try again."""

    exit_code = 6
    status = 503
    title = "Busy"
    retry_after_s = 1


class Throttled(Busy):
    """This client has shown too many wrong tokens (RFC 6585, section 4)."""

    exit_code = 10
    status = 429
    title = "Too many attempts"

    def __init__(self, text: str, retry_after_s: int = 60) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class DiskFull(Busy):
    """The journal cannot be written: the disk or its own bound is full."""

    title = "Disk full"
    retry_after_s = 30


class TooSlow(ControlSurfaceError):
    """A query ran into its time limit and was stopped."""

    exit_code = 6
    status = 504
    title = "Query too slow"


class TooMuch(ControlSurfaceError):
    """An answer has more rows or bytes than its limit, or needs more memory than queries may have."""

    exit_code = 6
    status = 422
    title = "Answer too large"


class Abandoned(ControlSurfaceError):
    """Whoever asked has closed the connection; nobody reads this."""

    exit_code = 6
    status = 503
    title = "Abandoned"


class StoreError(ControlSurfaceError):
    """The data directory cannot be opened."""

    exit_code = 3
    status = 503
    title = "Store unavailable"


class StoreInUse(StoreError):
    """Another process owns the data directory."""


class StoreTooNew(StoreError):
    """A newer version of Control Surface wrote this data directory."""


class StoreDiffers(StoreError):
    """A table has other columns than this version reads and writes; the text names both, and says what to do."""


class PortInUse(ControlSurfaceError):
    """Another program listens on a port that was asked for."""

    exit_code = 7
    status = 503
    title = "Port in use"


class PartFailed(ControlSurfaceError):
    """The collector or the dashboard ended, again and again, before it was ready."""

    exit_code = 8
    status = 503
    title = "Part failed"


class RulesFailed(ControlSurfaceError):
    """A test of alert rules did not come out as expected."""

    exit_code = 12
    title = "Tests failed"


class GateBroken(ControlSurfaceError):
    """A metric is beyond the bound that a pipeline has set."""

    exit_code = 13
    title = "Gate broken"


class GateUndecided(ControlSurfaceError):
    """Too few rows to say whether a bound holds."""

    exit_code = 14
    title = "Gate undecided"


class Unreachable(ControlSurfaceError):
    """A server that should be running does not answer."""

    exit_code = 9
    status = 503
    title = "Server unreachable"


class Undelivered(Unreachable):
    """A receiver of alerts did not take a message now; `retry_after_s` is what it asks to wait, None: nothing."""

    title = "Not delivered"

    def __init__(self, text: str, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class Refused(Undelivered):
    """A receiver of alerts will never take this message."""

    title = "Refused"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or nothing where no known name is near."""
    match = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{match[0]}'?" if match else ""
