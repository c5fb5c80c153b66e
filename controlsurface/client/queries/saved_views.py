"""Saved views: addresses of the dashboard under names, the same for everybody."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from controlsurface.client.arrow_tables import TEXT, TIME, columns
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
from controlsurface.errors import BadRequest, NotFound
from controlsurface.query.arguments import Arguments

MAX_VIEWS = 200  # that a list of names still helps to find
VIEWS_PATH = "/api/v1/views"

_ALL = "SELECT name, address, saved_by, saved_at FROM saved_views ORDER BY lower(name)"
_SAVE = """INSERT OR REPLACE INTO saved_views (name, address, saved_by, saved_at)
VALUES ($name, $address, $saved_by, $saved_at)"""
_DELETE = "DELETE FROM saved_views WHERE name = $name"

SAVED_VIEW = columns(name=TEXT, address=TEXT, saved_by=TEXT, saved_at=TIME)
# A path of the dashboard: no scheme and no host, so that a name leads nowhere else.
ViewAddress = Annotated[str, Field(pattern=r"^[a-z][a-z_-]*(\?[^\s#]*)?$|^(\?[^\s#]*)?$", max_length=4_000)]


class SavedView(Arguments):
    """A page as it is shown, under a name; another of that name gives way."""

    name: str = Field(min_length=1, max_length=80, description="what people call it")
    address: ViewAddress = Field(description="page and parameters, such as routing?range=7d&lane=large")
    saved_by: str = Field("", max_length=100, description="who saved it; a caller with a name is always taken by it")


class SavedViewsQuery(PlainQuery[Result]):
    """All saved views by name: name, address, saved_by, saved_at."""

    endpoint: ClassVar = ReadEndpoint(VIEWS_PATH, "views", "Saved views of the dashboard, by name", SAVED_VIEW)

    def run(self, session: StoreSession) -> Result:
        """From the store."""
        return Result(session.state(_ALL))


@dataclass(frozen=True, slots=True)
class SaveViewCommand(Command):
    """Give the address of a page a name."""

    endpoint: ClassVar = WriteEndpoint(
        VIEWS_PATH, "save_view", "Save a view of the dashboard under a name", SAVED_VIEW, author="saved_by"
    )
    body: SavedView

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Into the store. Raises BadRequest where there are too many."""
        known = {row["name"] for row in session.state(_ALL).to_pylist()}
        if len(known) >= MAX_VIEWS and self.body.name not in known:
            raise BadRequest(f"{MAX_VIEWS} views are saved; delete one of them first")
        row = {**self.body.model_dump(), "saved_at": datetime.now(UTC)}
        session.write([(_SAVE, row)])
        return row


@dataclass(frozen=True, slots=True)
class DeleteViewCommand(Command):
    """Forget a saved view."""

    endpoint: ClassVar = WriteEndpoint(
        f"{VIEWS_PATH}/{{name}}",
        "delete_view",
        "Forget a saved view",
        SAVED_VIEW,
        method="DELETE",
        status=200,
        problems=("404",),
    )
    name: str
    body: NoArguments = NO_ARGUMENTS

    def execute(self, session: StoreSession) -> Mapping[str, Any]:
        """Out of the store; the view as it was. Raises NotFound."""
        rows = session.state(_ALL).to_pylist()
        found: Mapping[str, Any] | None = next((row for row in rows if row["name"] == self.name), None)
        if found is None:
            raise NotFound(f"no saved view '{self.name[:80]}'")
        session.write([(_DELETE, {"name": self.name})])
        return found
