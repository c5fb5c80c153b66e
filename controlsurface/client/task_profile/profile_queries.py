"""The task profile as it is now, filled from traffic where nobody says, and all its versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from controlsurface.client.arrow_tables import (
    COUNT,
    FIGURE,
    FLAG,
    MAYBE_TEXT,
    NUMBER,
    SHARE,
    TEXT,
    TIME,
    as_dicts,
    column_table,
    columns,
    list_of,
    one_of,
)
from controlsurface.client.query_protocol import Query, ReadEndpoint, Result, StoreSession
from controlsurface.client.task_profile.profile_entry import STATED_FIELDS
from controlsurface.query.arguments import Arguments, WeekRange
from controlsurface.query.statement import Statement

PROFILES_PATH = "/api/v1/task-profiles"
FILLED_FIELDS = ("tier", "routing_signal", "escalation_trigger")  # what traffic tells where nobody says
MAX_TASK_TYPES = 1000  # of traffic, the largest

_TRAFFIC = (Path(__file__).with_name("task_traffic.sql")).read_text("utf-8")
_STATED = f'task_type, version, "at", who, why, removed, {", ".join(STATED_FIELDS)}'
_IN_FORCE = f"""SELECT {_STATED} FROM task_profiles
QUALIFY row_number() OVER (PARTITION BY task_type ORDER BY version DESC) = 1 ORDER BY task_type"""
_HISTORY = f"""SELECT {_STATED} FROM task_profiles
WHERE $task_type = '' OR task_type = $task_type ORDER BY "at" DESC, task_type, version DESC LIMIT $row_limit"""

_RADIUS = one_of("low", "medium", "high", None)
_WRITTEN = {
    "output": MAYBE_TEXT,
    "blast_radius": _RADIUS,
    **dict.fromkeys(("tier", "routing_signal", "escalation_trigger", "owner"), MAYBE_TEXT),
}
VERSION_COLUMNS = columns(task_type=TEXT, version=COUNT, at=TIME, who=TEXT, why=TEXT, removed=FLAG, **_WRITTEN)
PROFILE_COLUMNS = columns(
    task_type=TEXT,
    version=COUNT,
    at=TIME,
    who=MAYBE_TEXT,
    why=MAYBE_TEXT,
    **_WRITTEN,
    from_traffic=list_of(one_of(*FILLED_FIELDS)),
    n=COUNT,
    requests=NUMBER,
    **dict.fromkeys(("input_p50", "input_p95", "output_p50", "output_p95"), FIGURE),
    escalation_rate=SHARE,
    gated=COUNT,
    shadowed=COUNT,
)
_NO_TRAFFIC = {"n": 0, "requests": 0.0, "gated": 0, "shadowed": 0}


class TaskProfileHistoryArgs(Arguments):
    """Of which task type, and how far back."""

    task_type: str = Field("", max_length=1000, description="only of this one; none: of all")
    limit: int = Field(100, ge=1, le=10_000, description="at most so many versions, newest first")


@dataclass(frozen=True, slots=True)
class TaskProfileQuery(Query[Result]):
    """What each task type is: those with most traffic first, then those that are described and have none.

    version 0: nobody has described it. from_traffic names the columns of which nobody said anything and that tell what
    was most frequent in the window. n: stored requests, of which requests (weighted), tokens of input and output at the
    median and the 95th percentile, and escalation_rate are known; gated: calls that a quality gate judged; shadowed:
    calls of another lane to compare answers with. Of very many task types the 1,000 largest.
    """

    endpoint: ClassVar = ReadEndpoint(
        PROFILES_PATH, "task_profiles", "What each task type is, by people's word and by traffic", PROFILE_COLUMNS
    )
    arguments: WeekRange

    def run(self, session: StoreSession) -> Result:
        """From what people wrote, and requests and calls of the window."""
        found = task_profiles(session, *self.arguments.window)
        return Result(column_table(found, self.endpoint.schema))


@dataclass(frozen=True, slots=True)
class TaskProfileHistoryQuery(Query[Result]):
    """Every version of every task type's profile, newest first; removed: from then on nobody described it."""

    endpoint: ClassVar = ReadEndpoint(
        f"{PROFILES_PATH}/history", "task_profile_versions", "All versions of the task profile", VERSION_COLUMNS
    )
    arguments: TaskProfileHistoryArgs = TaskProfileHistoryArgs()  # noqa: RUF009 - frozen

    def run(self, session: StoreSession) -> Result:
        """Rows of `task_profiles`."""
        asked = self.arguments
        return Result(session.state(_HISTORY, {"task_type": asked.task_type, "row_limit": asked.limit}))


def task_profiles(session: StoreSession, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """The rows of TaskProfileQuery."""
    limits = {"low": start, "high": end, "most": MAX_TASK_TYPES}
    traffic = as_dicts(session.rows(Statement(_TRAFFIC, limits, "profile.traffic")))
    written = {row["task_type"]: row for row in as_dicts(session.state(_IN_FORCE))}
    return combine_profiles(written, traffic)


def combine_profiles(
    written: Mapping[str, Mapping[str, Any]], traffic: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Each task type once: what people say of it, and where they say nothing what traffic does."""
    named = {row["task_type"] for row in traffic}
    quiet = [name for name, row in written.items() if not row["removed"] and name not in named]
    rows = [*traffic, *({"task_type": name} | _NO_TRAFFIC for name in quiet)]
    return [_combined(written.get(row["task_type"], {}), row) for row in rows]


def _combined(written: Mapping[str, Any], traffic: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: None if written.get("removed") else written.get(name) for name in STATED_FIELDS}
    filled = [name for name in FILLED_FIELDS if said[name] is None and traffic.get(name) is not None]
    known = {name: written.get(name) for name in ("at", "who", "why")} | {"version": written.get("version", 0)}
    return {**traffic, **known, **said, **{name: traffic[name] for name in filled}, "from_traffic": filled}
