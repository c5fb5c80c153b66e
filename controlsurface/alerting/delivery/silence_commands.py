"""Silences asked for, put and ended, wherever the store is; rows and bodies have the names of Alertmanager's API v2."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from controlsurface.alerting.delivery import delivery_rows
from controlsurface.alerting.delivery.silences import EXPIRED_SILENCE_RETENTION, Silence, end_silence, silence_updates
from controlsurface.client.arrow_tables import FLAG, TEXT, TIME, column_table, columns, list_of, one_of, record
from controlsurface.client.query_protocol import (
    NO_ARGUMENTS,
    Command,
    NoArguments,
    PlainQuery,
    ReadEndpoint,
    Result,
    StoreSession,
    WriteEndpoint,
)
from controlsurface.config.label_matchers import LabelMatcher, make_matcher
from controlsurface.errors import BadRequest, NotFound
from controlsurface.query.arguments import Arguments, ArgumentText, Instant
from controlsurface.store.named_query import StateSql

SILENCES_PATH = "/api/v1/silences"
# What a silence says for ever after of a caller that named nobody, or nothing.
UNNAMED_AUTHOR, MISSING_REASON = "not signed in", "no reason given"


class MatcherBody(Arguments):
    """One matcher."""

    name: ArgumentText = Field(description="of a label")
    value: ArgumentText = Field(description="of the label, or a regular expression (RE2) that covers all of it")
    isRegex: bool = Field(False, description="whether the value is a regular expression")  # noqa: N815 - Alertmanager's
    isEqual: bool = Field(True, description="false: labels that do not match")  # noqa: N815 - Alertmanager's

    @model_validator(mode="after")
    def _usable(self) -> Self:
        """Refuse what matches nothing anywhere."""
        try:
            self.made()
        except ValueError as problem:
            raise BadRequest(f"matchers: {problem}") from None
        return self

    def made(self) -> LabelMatcher:
        """The matcher."""
        return make_matcher(self.name, self.value, self.isRegex, self.isEqual)


class SilenceBody(Arguments):
    """A silence to be put; with the id of one that is there, that one is changed."""

    id: ArgumentText = Field("", description="of a silence that is changed; empty: a new one")
    matchers: tuple[MatcherBody, ...] = Field(max_length=50, description="all must match")
    startsAt: Instant = Field(strict=True, description="RFC 3339, or now")  # noqa: N815 - Alertmanager's
    endsAt: Instant = Field(strict=True, description="RFC 3339")  # noqa: N815 - Alertmanager's
    createdBy: ArgumentText = Field("", description="who is quiet; a caller with a name of its own is that")  # noqa: N815 - Alertmanager's
    comment: ArgumentText = Field("", description="why")

    def made(self, now: datetime) -> Silence:
        """The silence. It always has an author and a reason: one that came without either says so."""
        matchers = tuple(each.made() for each in self.matchers)
        author, comment = self.createdBy.strip() or UNNAMED_AUTHOR, self.comment.strip() or MISSING_REASON
        return Silence(self.id, matchers, self.startsAt, self.endsAt, author, comment, now)


SILENCE = columns(
    id=TEXT,
    status=record(state=one_of("pending", "active", "expired")),
    matchers=list_of(record(name=TEXT, value=TEXT, isRegex=FLAG, isEqual=FLAG)),
    **dict.fromkeys(("startsAt", "endsAt", "updatedAt"), TIME),
    **dict.fromkeys(("createdBy", "comment"), TEXT),
)


class SilencesQuery(PlainQuery[Result]):
    """All silences, the newest first; one that has expired is listed for five days more."""

    endpoint: ClassVar = ReadEndpoint(SILENCES_PATH, "silences", "All silences, the newest first", SILENCE, form="bare")

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        now = datetime.now(UTC)
        return Result(column_table((silence_to_json(each, now) for each in _load_silences(session, now)), SILENCE))


@dataclass(frozen=True, slots=True)
class PutSilence(Command):
    """A new silence, or a change of one."""

    endpoint: ClassVar = WriteEndpoint(
        SILENCES_PATH,
        "put_silence",
        "Silence alerts for a time, or change a silence",
        columns(silenceID=TEXT),
        status=200,
        author="createdBy",
        problems=("404",),
    )
    body: SilenceBody

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Into the store. Raises BadRequest, NotFound."""
        now = datetime.now(UTC)
        wanted = self.body.made(now)
        old = next((each for each in _load_silences(session, now) if each.id == wanted.id), None) if wanted.id else None
        kept = silence_updates(wanted, old, now)
        _write_silences(session, kept)
        return {"silenceID": kept[0].id}


@dataclass(frozen=True, slots=True)
class ExpireSilence(Command):
    """The end of a silence, now."""

    endpoint: ClassVar = WriteEndpoint(
        f"{SILENCES_PATH}/{{silence_id}}",
        "expire_silence",
        "End a silence now",
        SILENCE,
        method="DELETE",
        status=200,
        problems=("404",),
    )
    silence_id: str
    body: NoArguments = NO_ARGUMENTS

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Into the store; a silence that has ended already stays as it was. Raises NotFound."""
        now = datetime.now(UTC)
        found = next((each for each in _load_silences(session, now) if each.id == self.silence_id), None)
        if found is None:
            raise NotFound(f"no silence '{self.silence_id[:60]}'")
        over = end_silence(found, now)
        _write_silences(session, [over])
        return silence_to_json(over, now)


def silence_to_json(silence: Silence, now: datetime) -> dict[str, Any]:
    """A silence in Alertmanager's words."""
    return {
        "id": silence.id,
        "status": {"state": silence.state(now)},
        "matchers": [
            {"name": m.name, "value": m.value, "isRegex": m.is_regex, "isEqual": m.is_equal} for m in silence.matchers
        ],
        "startsAt": silence.starts_at,
        "endsAt": silence.ends_at,
        "updatedAt": silence.updated_at,
        "createdBy": silence.created_by,
        "comment": silence.comment,
    }


def _load_silences(session: StoreSession, now: datetime) -> list[Silence]:
    """Those that are not long over, the newest first."""
    since = {"since": now - EXPIRED_SILENCE_RETENTION}
    found = session.state("FROM silences WHERE ends_at >= $since ORDER BY starts_at DESC, id", since).to_pylist()
    return [delivery_rows.silence_from_row(each) for each in found]


def _write_silences(session: StoreSession, silences: list[Silence]) -> None:
    """Each in the place of the one with its id."""
    changes: list[StateSql] = []
    for row in map(delivery_rows.silence_row, silences):
        names, marks = ", ".join(row), ", ".join(f"${name}" for name in row)
        changes.append(("DELETE FROM silences WHERE id = $id", {"id": row["id"]}))
        changes.append((f"INSERT INTO silences ({names}) VALUES ({marks})", row))
    session.write(changes)
