"""What each scenario changes, and that it changes nothing else."""

from datetime import timedelta

import pytest

from controlsurface.demo.demo_company import INCIDENT_TASK, INCIDENT_TENANTS, NEXT_VERSION
from tests.demo.demo_traffic import HOUR, NOW, calls, escalated, share, task, traffic

pytestmark = [pytest.mark.no_cover, pytest.mark.xdist_group("traffic")]  # weeks of it, made by one worker


def test_the_incident_lies_in_one_version_one_task_type_and_two_tenants() -> None:
    requests = [r for r in traffic("incident", timedelta(hours=6)) if r.start_ns > (NOW - 6 * HOUR).timestamp() * 1e9]
    hit = [
        r for r in requests if task(r) == INCIDENT_TASK and r.attributes["controlsurface.tenant"] in INCIDENT_TENANTS
    ]
    rest = [r for r in requests if r not in hit]
    assert share(hit, escalated) > 0.6
    assert share(rest, escalated) < 0.22
    assert {r.attributes["controlsurface.router.version"] for r in requests} == {NEXT_VERSION}


def test_traffic_before_and_after_the_incident_is_that_of_steady() -> None:
    quiet = {request.span_id: request for request in traffic("steady")}
    since = timedelta(days=2)
    start = (NOW - since).timestamp() * 1e9
    outside = [r for r in traffic("incident", since) if not start <= r.start_ns < start + 28 * 3600e9]
    assert all(quiet[request.span_id] == request for request in outside)


def test_an_upgrade_escalates_less_and_starts_with_a_canary() -> None:
    start = (NOW - timedelta(days=3)).timestamp() * 1e9
    requests = traffic("upgrade", timedelta(days=3))
    after = [r for r in requests if r.start_ns >= start]
    day_before = [r for r in requests if start - 86_400e9 <= r.start_ns < start]
    assert share(after, escalated) < share((r for r in requests if r.start_ns < start - 86_400e9), escalated) - 0.02
    assert 0.07 < share(day_before, lambda r: r.attributes["controlsurface.router.version"] == NEXT_VERSION) < 0.13


def test_drift_makes_answers_one_percent_longer_every_day() -> None:
    steady, drifted = ({c.span_id: c for c in calls(traffic(name))} for name in ("steady", "drift"))
    key = "gen_ai.usage.output_tokens"
    last_day = [c for c in drifted.values() if key in c.attributes and c.start_ns > (NOW - 24 * HOUR).timestamp() * 1e9]
    tokens = [sum(float(str(book[c.span_id].attributes[key])) for c in last_day) for book in (drifted, steady)]
    assert tokens[0] / tokens[1] == pytest.approx(1.01**6.5, rel=0.01)
