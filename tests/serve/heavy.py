"""A collector whose query for requests takes as long as the test says: DuckDB counts for ever, or Python sleeps."""

import sys
import time
from functools import partial
from typing import Any

from controlsurface.client.local_client import LocalClient
from controlsurface.client.queries.request_list import RequestsQuery
from controlsurface.collector import __main__ as collector
from controlsurface.collector.unix_signals import UnixSignals
from controlsurface.query.statement import Statement

ENDLESS = Statement("SELECT sum(random()) AS n FROM range(10000000000000)", {}, "requests.list")


def counting(_: RequestsQuery, session: LocalClient) -> Any:
    return session.rows(ENDLESS)


def sleeping(*_: Any) -> Any:
    time.sleep(600)


if __name__ == "__main__":
    kind, ending_s, *rest = sys.argv[1:]
    setattr(RequestsQuery, "run", {"counting": counting, "sleeping": sleeping}[kind])  # noqa: B010 - mypy forbids it
    vars(collector)["UnixSignals"] = partial(UnixSignals, ending_s=int(ending_s))
    collector.exit_now(collector.main(rest))
