"""Waits for an order that a server carries out a transaction at a time, with its progress on a terminal."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from controlsurface.errors import Busy

POLL_S = 0.2
SERVER_TIMEOUT_S = 120  # with a server that moves nothing

OrderState = Mapping[str, Any]


def wait_for_order(read: Callable[[], OrderState], things: str, label: str) -> OrderState:
    """The order's state once it is done. Raises Busy where nothing moves for two minutes, or it failed.

    `read` gives the state: done, finished_at, problem, and under `things` how many there are.
    """
    state = read()
    with click.progressbar(length=max(state[things], 1), file=sys.stderr, label=label) as bar:
        moved_at = time.monotonic()
        while not state["finished_at"]:
            time.sleep(POLL_S)
            before, state = state, read()
            bar.update(state["done"] - before["done"])
            if state["done"] != before["done"]:
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > SERVER_TIMEOUT_S:
                raise Busy(f"no {label} were done for two minutes; ask again later, it goes on where it is")
    if state["problem"]:
        raise Busy(f"ended after {state['done']:,} of {state[things]:,} {things}: {state['problem']}")
    return state
