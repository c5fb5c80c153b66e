"""The order to accept what is seen now as the baseline of a drift rule."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from controlsurface.errors import BadRequest, NotFound, nearest
from controlsurface.metrics.arguments import Arguments, Text
from controlsurface.reader.asking import Command, Ground, WriteEndpoint
from controlsurface.reader.columns import MAYBE_TEXT, OBJECT, TEXT, TIME, columns, many

_KNOWN = "SELECT rule, definition, slice FROM drift_streams"
_WISH = (
    'INSERT INTO drift_accepts (rule, slice, "at", who, why) VALUES ($rule, $slice, CAST($at AS TIMESTAMP), $who, $why)'
)


class Acceptance(Arguments):
    """Which slices, who says so and why."""

    slice: dict[Annotated[str, Field(max_length=100)], Text | None] = Field(
        default_factory=dict, max_length=4, description="dimensions and their values, null: unknown; none: all slices"
    )
    who: Annotated[str, Field(min_length=1, max_length=100)] = Field("api", description="who says so")
    why: Text | None = Field(None, description="a sentence for those who will wonder")


@dataclass(frozen=True, slots=True)
class AcceptDrift(Command):
    """Take what a rule sees now as its baseline, from the detector's next look on. Raises NotFound, BadRequest."""

    endpoint: ClassVar = WriteEndpoint(
        "/api/v1/rules/{alert:path}/accept",
        "accept_drift",
        "Take what a drift rule sees now as its baseline",
        columns(rule=TEXT, slices=many(OBJECT), at=TIME, who=TEXT, why=MAYBE_TEXT),
        author="who",
        problems=("404",),
    )
    alert: str
    body: Acceptance

    def done(self, ground: Ground) -> Mapping[str, Any]:
        """Keep the wish; once this returns it is on the disk."""
        named = list(self._meant(ground))
        if not named:
            raise NotFound(f"{self.alert} watches no slice {json.dumps(self.body.slice)}")
        at = datetime.now(UTC)
        row = {"rule": self.alert, "slice": json.dumps(self.body.slice), "who": self.body.who, "why": self.body.why}
        ground.keep([(_WISH, row | {"at": at})])
        return {"rule": self.alert, "slices": named, "at": at, "who": self.body.who, "why": self.body.why}

    def _meant(self, ground: Ground) -> Iterator[Mapping[str, str | None]]:
        """The slices that the rule watches and that are meant."""
        rows = ground.state(_KNOWN).to_pylist()
        mine = [row for row in rows if row["rule"] == self.alert]
        if not mine:
            raise NotFound(f"no drift rule '{self.alert[:100]}'{nearest(self.alert, {row['rule'] for row in rows})}")
        by = json.loads(mine[0]["definition"])[1]
        for name in self.body.slice:
            if name not in by:
                raise BadRequest(f"slice: {self.alert} is not broken down by '{name}'{nearest(name, by)}")
        for values in dict.fromkeys(tuple(row["slice"]) for row in mine):
            found = dict(zip(by, values, strict=True))
            if all(found[name] == value for name, value in self.body.slice.items()):
                yield found
