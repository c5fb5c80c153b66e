"""Slow queries wait for each other, and routers, changes and health for none of them.

The shapes are those of onyx-dot-app/onyx#14052, PostHog/posthog#46457 and DataZooDE/flapi#120 (health waits for what it
should report).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import sleep

import requests

from controlsurface.client import LocalClient
from controlsurface.config import Config
from controlsurface.config.server_access import ServerConfig
from controlsurface.store.duckdb import DuckStore
from tests.serving import serving
from tests.stores import make_slow

SETTINGS = Config(server=ServerConfig(max_queries=4, max_waiting_queries=2))
SLOW = "/api/v1/query?metric=requests"


@contextmanager
def busy(n: int) -> Iterator[tuple[str, list[int]]]:
    """A server that `n` slow queries are asked of, until the block ends; the statuses of their answers."""
    store = DuckStore.in_memory()
    make_slow(store)
    statuses: list[int] = []
    with serving(LocalClient(store, timeout_s=40), SETTINGS) as url, ThreadPoolExecutor(n) as threads:
        asked = [threads.submit(ask, url, statuses) for _ in range(n)]
        sleep(0.5)
        yield url, statuses
        while not all(each.done() for each in asked):
            store.interrupt(0)
            sleep(0.05)
    store.close()


def ask(url: str, statuses: list[int]) -> None:
    statuses.append(requests.get(url + SLOW, timeout=60).status_code)


def test_routers_and_health_wait_for_no_query_and_a_query_too_many_gets_retry_after() -> None:
    with busy(6) as (url, statuses):
        for path in ("/api/v1/policy", "/api/v1/sampling/r-1", "/api/v1/audits/plan", "/readyz", "/metrics"):
            assert requests.get(url + path, timeout=30).status_code in {200, 404}
        answer = requests.get(url + SLOW, timeout=30)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert "4 queries are being answered and 2 wait" in answer.json()["detail"]
        assert not statuses
