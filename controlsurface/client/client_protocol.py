"""What every client of the store can do, wherever the store is."""

from collections.abc import Mapping
from typing import Any, Protocol

from controlsurface.client.query_protocol import Command, Query, R


class Client(Protocol):
    """Times go in as aware datetimes and come out as UTC timestamps; ids are lower-case hex; unknown is null.

    Errors: BadRequest and UnknownName for arguments, NotFound, Busy when a query took too long, and Unreachable when
    the server is not there.
    """

    def run(self, query: Query[R]) -> R:
        """The answer to a query."""
        ...

    def execute(self, command: Command) -> Mapping[str, Any]:
        """Make a change; what it came to. Raises Forbidden, Conflict, NotFound."""
        ...

    def health(self) -> tuple[str, ...]:
        """Why the server takes no traffic at the moment; empty when it does."""
        ...

    def close(self) -> None:
        """Give the store or the connection back."""
        ...
