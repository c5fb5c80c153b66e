"""Simulated traffic for tests, and what to ask of it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache

from controlsurface.demo.demo_company import DemoSettings
from controlsurface.demo.request_spans import SimulatedCall, SimulatedRequest
from controlsurface.demo.router_simulation import simulate_requests

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
Test = Callable[[SimulatedRequest], bool]


@cache
def traffic(scenario: str, since: timedelta = WEEK) -> list[SimulatedRequest]:
    """Seven days of a busy router, whose event began `since` ago."""
    return list(simulate_requests(DemoSettings(1, scenario, rate=0.03, event_at=NOW - since), NOW - WEEK, NOW))


def task(request: SimulatedRequest) -> str:
    return str(request.attributes["controlsurface.task_type"])


def escalated(request: SimulatedRequest) -> bool:
    return "controlsurface.escalation.reason" in request.attributes


def share(requests: Iterable[SimulatedRequest], test: Test) -> float:
    tested = [test(request) for request in requests]
    return sum(tested) / len(tested)


def calls(requests: Iterable[SimulatedRequest], purpose: str | None = None) -> list[SimulatedCall]:
    """Model calls for the user's sake, or of one other purpose."""
    every = (call for request in requests for call in request.calls)
    return [call for call in every if call.attributes.get("controlsurface.purpose") == purpose]
