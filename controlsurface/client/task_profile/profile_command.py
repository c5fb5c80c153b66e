"""The change of a task profile: every row a new version, all of them or none, and an event."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import uuid4

import orjson

from controlsurface.client.arrow_tables import COUNT, TEXT, TIME, as_dicts, columns
from controlsurface.client.query_protocol import Command, StoreSession, WriteEndpoint
from controlsurface.client.task_profile.profile_entry import STATED_FIELDS, TaskProfileChange
from controlsurface.client.task_profile.profile_queries import PROFILES_PATH
from controlsurface.errors import BadRequest, Conflict, did_you_mean

_NEWEST = "SELECT task_type, max(version) AS version FROM task_profiles GROUP BY task_type"
_TYPES = {"task_type": "VARCHAR", "version": "INTEGER", "removed": "BOOLEAN"} | dict.fromkeys(STATED_FIELDS, "VARCHAR")
# One statement, so that all rows are written on top of what was looked at, or none.
_WRITE = f"""INSERT INTO task_profiles BY NAME
WITH entries AS (SELECT unnest(from_json($entries, '{orjson.dumps([_TYPES]).decode()}'), recursive := true)),
newest AS ({_NEWEST})
SELECT entries.*, $change_id AS change_id, CAST($at AS TIMESTAMP) AS "at", $who AS who, $why AS why FROM entries
WHERE NOT EXISTS (
    FROM entries LEFT JOIN newest USING (task_type) WHERE entries.version <> coalesce(newest.version, 0) + 1
)"""
_TELL = """INSERT INTO events ("at", kind, title, detail, source)
SELECT DISTINCT "at", 'other', $title, why, who FROM task_profiles WHERE change_id = $change_id"""
_KEPT = "SELECT count(*) AS n FROM task_profiles WHERE change_id = $change_id"


@dataclass(frozen=True, slots=True)
class SetTaskProfileCommand(Command):
    """Describe task types anew. Raises Conflict where another version came between, BadRequest for unknown lanes."""

    endpoint: ClassVar = WriteEndpoint(
        PROFILES_PATH,
        "set_task_profiles",
        "Describe task types: each becomes a new version",
        columns(change_id=TEXT, at=TIME, who=TEXT, changed=COUNT),
        method="PUT",
        status=200,
        author="who",
        problems=("409",),
    )
    body: TaskProfileChange

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Into the store; how many versions were written."""
        said = self.body
        _check_lanes(said, session)
        newest = {row["task_type"]: row["version"] for row in as_dicts(session.state(_NEWEST))}
        _check_versions(said, newest)
        entries = [
            each.model_dump(include={*_TYPES}) | {"version": newest.get(each.task_type, 0) + 1}
            for each in said.profiles
        ]
        row = {"change_id": uuid4().hex[:16], "at": datetime.now(UTC), "who": said.who}
        title = f"task profile: {', '.join(each.task_type for each in said.profiles)}"
        told = {"title": title if len(title) <= MAX_TITLE else f"{title[: MAX_TITLE - 1]}…"}
        written = row | {"why": said.why, "entries": orjson.dumps(entries).decode()}
        session.write([(_WRITE, written), (_TELL, told | {"change_id": row["change_id"]})])
        (kept,) = as_dicts(session.state(_KEPT, {"change_id": row["change_id"]}))
        if kept["n"] != len(entries):
            raise Conflict("another change came at this moment; look at it, and try again")
        return row | {"changed": kept["n"]}


MAX_TITLE = 200  # characters of an event's title


def _check_lanes(said: TaskProfileChange, session: StoreSession) -> None:
    """Raises BadRequest for a tier that the configuration has not."""
    lanes = session.config.lanes
    for each in said.profiles:
        if each.tier is not None and each.tier not in lanes:
            near = did_you_mean(each.tier, lanes)
            raise BadRequest(
                f"profiles.{each.task_type[:80]}.tier: no lane named '{each.tier}'{near}; lanes: {', '.join(lanes)}"
            )


def _check_versions(said: TaskProfileChange, newest: Mapping[str, int]) -> None:
    """Raises Conflict where what was looked at is not the newest any more."""
    for each in said.profiles:
        now = newest.get(each.task_type, 0)
        if each.rests_on is not None and each.rests_on != now:
            name = each.task_type[:80]
            raise Conflict(
                f"'{name}' is at version {now}, not {each.rests_on}; look at it, and change it on top of that"
            )
