"""The order to accept what is seen now as the baseline of a drift rule."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from controlsurface.client.query_protocol import Command, StoreSession, WriteEndpoint
from controlsurface.client.result_columns import MAYBE_TEXT, OBJECT, TEXT, TIME, columns, list_of
from controlsurface.errors import BadRequest, NotFound, did_you_mean
from controlsurface.query.arguments import Arguments, ArgumentText

_TRACKED_SLICES_SQL = "SELECT rule, definition, slice FROM drift_streams"
_ACCEPT_REQUEST_SQL = (
    'INSERT INTO drift_accepts (rule, slice, "at", who, why) VALUES ($rule, $slice, CAST($at AS TIMESTAMP), $who, $why)'
)


class BaselineAcceptance(Arguments):
    """Which slices, who says so and why."""

    slice: dict[Annotated[str, Field(max_length=100)], ArgumentText | None] = Field(
        default_factory=dict, max_length=4, description="dimensions and their values, null: unknown; none: all slices"
    )
    who: Annotated[str, Field(min_length=1, max_length=100)] = Field("api", description="who says so")
    why: ArgumentText | None = Field(None, description="a sentence for those who will wonder")


@dataclass(frozen=True, slots=True)
class AcceptBaseline(Command):
    """Take what a rule sees now as its baseline, from the detector's next look on. Raises NotFound, BadRequest."""

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/rules/{alert:path}/accept",
        "accept_drift",
        "Take what a drift rule sees now as its baseline",
        columns(rule=TEXT, slices=list_of(OBJECT), at=TIME, who=TEXT, why=MAYBE_TEXT),
        author="who",
        problems=("404",),
    )
    alert: str
    body: BaselineAcceptance

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Keep the wish; once this returns it is on the disk."""
        named = list(self._meant(session))
        if not named:
            raise NotFound(f"{self.alert} watches no slice {json.dumps(self.body.slice)}")
        at = datetime.now(UTC)
        row = {"rule": self.alert, "slice": json.dumps(self.body.slice), "who": self.body.who, "why": self.body.why}
        session.write([(_ACCEPT_REQUEST_SQL, row | {"at": at})])
        return {"rule": self.alert, "slices": named, "at": at, "who": self.body.who, "why": self.body.why}

    def _meant(self, session: StoreSession) -> Iterator[Mapping[str, str | None]]:
        """The slices that the rule watches and that are meant."""
        rows = session.state(_TRACKED_SLICES_SQL).to_pylist()
        mine = [row for row in rows if row["rule"] == self.alert]
        if not mine:
            raise NotFound(
                f"no drift rule '{self.alert[:100]}'{did_you_mean(self.alert, {row['rule'] for row in rows})}"
            )
        by = json.loads(mine[0]["definition"])[1]
        for name in self.body.slice:
            if name not in by:
                raise BadRequest(f"slice: {self.alert} is not broken down by '{name}'{did_you_mean(name, by)}")
        for values in dict.fromkeys(tuple(row["slice"]) for row in mine):
            found = dict(zip(by, values, strict=True))
            if all(found[name] == value for name, value in self.body.slice.items()):
                yield found
