"""The order to price stored calls by the edition in force, how far that is, and what it changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import pyarrow as pa
from pydantic import Field

from controlsurface.client.arrow_tables import MAYBE_TEXT, TEXT, TIME, column, columns
from controlsurface.client.query_protocol import Command, PlainQuery, ReadEndpoint, Result, StoreSession, WriteEndpoint
from controlsurface.errors import Conflict
from controlsurface.query.arguments import Arguments, Instant

REPRICE_PATH = "/api/v1/prices/reprice"

_UNDER_WAY = "SELECT 1 FROM repricing WHERE finished_at IS NULL"
_FORGET, _FORGET_MODELS = "DELETE FROM repricing", "DELETE FROM repriced_models"
_ASK = """
INSERT INTO repricing
SELECT
    $at, $who, coalesce($since, TIMESTAMP '1970-01-01'), coalesce(max(started_at), $at) + INTERVAL 1 MICROSECOND,
    $dry_run, coalesce((SELECT max(edition) FROM price_editions WHERE in_force), ''),
    count(*) FILTER (started_at >= greatest(coalesce($since, TIMESTAMP '1970-01-01'), frozen_before())), 0, 0,
    count(*) FILTER (started_at >= coalesce($since, TIMESTAMP '1970-01-01') AND started_at < frozen_before()),
    NULL, NULL,
    (SELECT count(*) FROM spans JOIN attempts AS a USING (trace_id, span_id)
        WHERE NOT possible(spans.start_ns) AND a.started_at >= coalesce($since, TIMESTAMP '1970-01-01'))
FROM attempts
"""
_NOT_FROZEN = "UPDATE repricing SET since = greatest(since, frozen_before())"
_STATE = """
SELECT
    asked_at, who, since, "until", dry_run, edition, calls, least(done, calls) AS done, changed, frozen, finished_at,
    problem, untimed, (SELECT max(edition) FROM price_editions WHERE in_force) AS edition_in_force
FROM (SELECT 1) LEFT JOIN repricing ON TRUE
"""
_MODELS = "SELECT * FROM repriced_models ORDER BY abs(usd_after - usd_before) DESC, model"


class RepriceRequest(Arguments):
    """From when on, and who wants it."""

    since: Annotated[Instant, Field(strict=True)] | None = Field(
        None, description="requests that began before stay as they are; none: all that is stored"
    )
    dry_run: Annotated[bool, Field(strict=True)] = Field(
        True, description="figures before and after alone: nothing is changed"
    )
    who: Annotated[str, Field(min_length=1, max_length=100)] = Field("api", description="who says so")


class RepricingQuery(PlainQuery[Result]):
    """How far it is, of the last time that somebody asked."""

    endpoint: ClassVar = ReadEndpoint(
        REPRICE_PATH,
        "state",
        "How far stored calls are priced anew, of the last time",
        columns(
            **dict.fromkeys(("asked_at", "since", "until", "finished_at"), TIME),
            **dict.fromkeys(
                ("calls", "done", "changed", "frozen", "untimed"), column(pa.int64(), nullable=True, minimum=0)
            ),
            **dict.fromkeys(("who", "problem", "edition", "edition_in_force"), MAYBE_TEXT),
            dry_run=column(pa.bool_(), nullable=True),
        ),
        form="single",
    )

    def run(self, session: StoreSession) -> Result:
        """One row: asked_at (NULL: never), who, since, until (requests that began at it or later are done), dry_run.

        Further: edition (of the price book, that prices them), calls, done, changed (calls), frozen (calls that stay,
        for the retention has frozen them), untimed (calls whose start is no time, priced as of their arrival),
        finished_at, problem, edition_in_force.
        """
        return Result(session.state(_STATE))


class RepricedModelsQuery(PlainQuery[Result]):
    """What the last order changes, or changed, by model."""

    _USD = column(pa.decimal128(38, 12))
    endpoint: ClassVar = ReadEndpoint(
        "/api/v1/prices/repriced",
        "models",
        "What pricing stored calls anew changes, or changed, by model",
        columns(
            model=MAYBE_TEXT,
            **dict.fromkeys(("calls", "priced_before", "priced_after"), column(pa.int64(), minimum=0)),
            **dict.fromkeys(("usd_before", "usd_after"), _USD),
        ),
    )

    def run(self, session: StoreSession) -> Result:
        """Rows, the largest difference first: model, calls (billable), how many have a price and what these cost."""
        return Result(session.state(_MODELS))


@dataclass(frozen=True, slots=True)
class RepriceCommand(Command):
    """The order: it is begun within seconds, between batches, and goes on after a restart."""

    endpoint: ClassVar = WriteEndpoint(
        REPRICE_PATH,
        "reprice",
        "Price stored calls by the price book in force",
        columns(at=TIME, who=TEXT),
        role="admin",
        status=202,
        problems=("409",),
        author="who",
    )
    body: RepriceRequest

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Keep the wish; once this returns it is on the disk. Raises Conflict while another one is under way."""
        if session.state(_UNDER_WAY).num_rows:
            raise Conflict("stored calls are being priced already; ask again once that is done")
        at = datetime.now(UTC)
        asked = {"since": self.body.since, "at": at, "who": self.body.who, "dry_run": self.body.dry_run}
        session.write([(_FORGET, {}), (_FORGET_MODELS, {}), (_ASK, asked), (_NOT_FROZEN, {})])
        return {"at": at, "who": self.body.who}
