"""The order to read stored spans again by the vocabularies and lanes of now, and how far that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field

from controlsurface.client.arrow_tables import MAYBE_TEXT, TEXT, TIME, column, columns
from controlsurface.client.query_protocol import Command, PlainQuery, ReadEndpoint, Result, StoreSession, WriteEndpoint
from controlsurface.query.arguments import Arguments, Instant

REDERIVE_PATH = "/api/v1/rederive"

_NOW_IN_HAND = "(SELECT min(since) FROM rederiving WHERE finished_at IS NULL)"
# One that is not done yet is begun anew, from the earlier of both moments.
_ASK = f"""
INSERT INTO rederiving
WITH asked AS (SELECT least(coalesce($since, TIMESTAMP '1970-01-01'), {_NOW_IN_HAND}) AS since)
SELECT
    $at, $who, since, coalesce((SELECT max(started_at) FROM spans), $at) + INTERVAL 1 MICROSECOND,
    (SELECT count(*) FROM spans WHERE started_at >= greatest(asked.since, frozen_before())), 0, 0,
    (SELECT count(*) FROM spans WHERE started_at >= asked.since AND started_at < frozen_before()),
    NULL, NULL
FROM asked
"""
_FORGET = "DELETE FROM rederiving WHERE asked_at < (SELECT max(asked_at) FROM rederiving)"
_STATE = """
SELECT
    asked_at, who, since, "until", spans, least(done, spans) AS done, changed, frozen, finished_at, problem,
    (SELECT max(gone_before) FROM retained WHERE kind = 'frozen') AS frozen_before,
    (SELECT max(vocabularies) FROM derived_with) AS vocabularies
FROM (SELECT 1) LEFT JOIN rederiving ON TRUE
"""


class RederiveRequest(Arguments):
    """From when on, and who wants it."""

    since: Annotated[Instant, Field(strict=True)] | None = Field(
        None, description="what began before stays as it is; none: all that is stored"
    )
    who: Annotated[str, Field(min_length=1, max_length=100)] = Field("api", description="who says so")


class RederivationQuery(PlainQuery[Result]):
    """How far it is, of the last time that somebody asked."""

    endpoint: ClassVar = ReadEndpoint(
        REDERIVE_PATH,
        "state",
        "How far stored spans are read again, of the last time",
        columns(
            **dict.fromkeys(("asked_at", "since", "until", "finished_at", "frozen_before"), TIME),
            **dict.fromkeys(("spans", "done", "changed", "frozen"), column(pa.int64(), nullable=True, minimum=0)),
            **dict.fromkeys(("who", "problem", "vocabularies"), MAYBE_TEXT),
        ),
        form="single",
    )

    def run(self, session: StoreSession) -> Result:
        """One row: asked_at (NULL: never), who, since, until (what began at it or later is done), spans, done, changed.

        Further: frozen (spans since then that stay as they were, for the retention has frozen what began before
        frozen_before), finished_at, problem, vocabularies (a hash of those that rows are derived with).
        """
        return Result(session.state(_STATE))


@dataclass(frozen=True, slots=True)
class RederiveCommand(Command):
    """The order: it is begun within seconds, between batches, and goes on after a restart."""

    endpoint: ClassVar = WriteEndpoint(
        REDERIVE_PATH,
        "rederive",
        "Read stored spans again by the vocabularies, lanes and task types of now",
        columns(at=TIME, who=TEXT),
        role="admin",
        status=202,
        author="who",
    )
    body: RederiveRequest

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Keep the wish; once this returns it is on the disk."""
        at = datetime.now(UTC)
        asked = {"since": self.body.since, "at": at, "who": self.body.who}
        session.write([(_ASK, asked), (_FORGET, {})])
        return {"at": at, "who": self.body.who}
