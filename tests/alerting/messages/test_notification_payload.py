"""A message names the slice, the change and the cause, over real rows; every channel shows the same."""

import base64
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from controlsurface.alerting.delivery.notification_payload import alert_payload, compose_payload
from controlsurface.alerting.delivery.outbox import OutboxMessage, snapshot_alert
from controlsurface.alerting.messages import sparkline
from controlsurface.alerting.messages.alert_evidence import gather_evidence
from controlsurface.alerting.messages.alert_text import payload_as_text
from controlsurface.alerting.model import Alert, AlertSnapshot, RuleReading
from controlsurface.alerting.rules.rule_models import BudgetRule, DriftRule
from controlsurface.client.local_client import LocalClient
from controlsurface.client.queries.event_list import RecordEvent
from controlsurface.formatting import format_value
from controlsurface.metrics.queries.event_query import ChangeEvent
from controlsurface.store.duckdb import DuckStore
from tests.alerting.episode_clock import episode
from tests.stores import put

NOW = datetime(2026, 1, 9, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
INK = sparkline.INK_RGB
ONSET = NOW - timedelta(hours=1)
FACTS = AlertSnapshot(
    rule="High",
    kind="threshold",
    metric="escalation_rate",
    unit="ratio",
    where=("task_type:code",),
    over_s=900,
    value=0.5,
    low=0.45,
    high=0.55,
    n=360,
    threshold=0.3,
    onset=ONSET,
    annotations={"summary": "too many escalations", "runbook_url": "http://runbooks/1", "owner": "router team"},
)


@pytest.fixture(scope="module")
def reader() -> Iterator[LocalClient]:
    """Two days of `code` with a tenth escalated; in the last hour all of tenant acme's are."""
    store = DuckStore.in_memory()
    rows: list[dict[str, Any]] = []
    for i in range(48 * 60 // 4):
        at = NOW - timedelta(hours=48) + i * timedelta(minutes=4)
        rows += [row(at, f"{i}-{k}", at >= ONSET and k % 2 == 0, i % 10 == 0) for k in range(6)]
    put(store, rows)
    made = LocalClient(store)
    made.execute(RecordEvent(ChangeEvent(at=ONSET - timedelta(minutes=20), kind="deploy", title="router r-77")))
    made.execute(RecordEvent(ChangeEvent(at=ONSET - timedelta(hours=5), kind="deploy", title="router r-76")))
    yield made
    made.close()


def row(at: datetime, name: str, broken: bool, usual: bool) -> dict[str, Any]:
    escalated = broken or usual
    return {
        "request_id": name,
        "started_at": at.replace(tzinfo=None),
        "task_type": "code",
        "tenant": "acme" if int(name.rpartition("-")[2]) % 2 == 0 else "umbrella",
        "escalated": escalated,
        "duration_ms": 400.0,
        "lane": "large" if escalated else "small",
    }


@pytest.fixture(scope="module")
def payload(reader: LocalClient) -> dict[str, Any]:
    firing = episode(NOW - timedelta(minutes=30), FACTS, task_type="code", severity="page")
    return compose_payload(reader, message(firing), "http://board/", NOW)


def message(*firing: Any) -> OutboxMessage:
    labels = {"alertname": "High"}
    return OutboxMessage("m-1", "ops", "g", labels, "new", firing, (), None, 0, NOW, NOW)


def test_the_title_says_before_and_after_with_unit_interval_and_n(payload: dict[str, Any]) -> None:
    expected = "Firing: Escalation rate of task_type code 10.0 % → 50.0 % (45.0 % to 55.0 %, n = 360)"
    assert payload["title"] == expected


def test_a_drift_of_values_is_shown_as_the_share_above_the_usual_ones() -> None:
    dear = DriftRule.model_validate({"alert": "Dear", "metric": "cost_per_request", "by": ["task_type"], "drift": {}})
    reading = RuleReading({"task_type": "code"}, True, 0.79, 120, before=0.488, evidence={"share_above": "p50"})
    found = snapshot_alert(dear, Alert("Dear", (("alertname", "Dear"),), "firing", NOW, reading, NOW))
    about = alert_payload(episode(NOW, found), None, "http://board/")
    assert about["title"].startswith("Share above the usual cost per request (p50) of task_type code 48.8 % → 79.0 %")
    assert "is 79.0 %, not 48.8 % as in its baseline" in about["why"]["sentence"]


def test_the_top_contributor_comes_first_and_is_split_into_mix_and_rate(payload: dict[str, Any]) -> None:
    first = payload["alerts"][0]["contributors"][0]
    assert (first["dimension"], first["value"]) == ("tenant", "acme")
    assert first["delta"] == pytest.approx(first["mix"] + first["rate"])
    assert first["rate"] > 0.4


def test_the_nearest_change_event_is_named_and_not_an_older_one(payload: dict[str, Any]) -> None:
    assert payload["alerts"][0]["event"]["title"] == "router r-77"


def test_the_payload_has_the_onset_as_since_and_a_sentence_as_why(payload: dict[str, Any]) -> None:
    alert = payload["alerts"][0]
    assert alert["since"] == ONSET.isoformat()
    assert alert["why"]["sentence"] == "escalation rate over 15m is 50.0 %, above 30.0 %"
    assert (alert["owner"], alert["links"]["runbook"]) == ("router team", "http://runbooks/1")


def test_payload_links_open_the_slice_in_a_window_that_holds_data(payload: dict[str, Any]) -> None:
    links = payload["alerts"][0]["links"]
    asked = parse_qs(urlsplit(links["dashboard"]).query)
    assert links["dashboard"].startswith("http://board/triage?")
    assert asked["task_type"] == ["code"]
    assert asked["spike_from"] == [f"{ONSET:%Y-%m-%dT%H:%M}"]
    assert asked["from"][0] < asked["spike_from"][0] < asked["spike_to"][0] <= asked["to"][0]
    assert parse_qs(urlsplit(links["silence"]).query)["silence"] == [
        'alertname="High"',
        'severity="page"',
        'task_type="code"',
    ]


def test_a_drift_can_be_accepted_and_says_its_false_alarms(reader: LocalClient) -> None:
    facts = FACTS.model_copy(update={"kind": "drift", "false_alarms_per_week": 0.004, "before": 0.1, "threshold": None})
    (alert,) = compose_payload(reader, message(episode(NOW, facts)), "http://board", NOW)["alerts"]
    assert alert["links"]["accept_baseline"] == "http://board/alerts?accept=High"
    assert "Expected false alarms: 0.004 a week" in payload_as_text({"title": "", "alerts": [alert]})
    assert alert["why"]["sentence"].endswith("not 10.0 % as in its baseline")


def test_evidence_without_contributors_still_has_a_before_a_series_and_a_reason(reader: LocalClient) -> None:
    facts = FACTS.model_copy(update={"metric": "request_share", "unit": "ratio", "value": 0.9})
    found = gather_evidence(reader, episode(NOW, facts), NOW)
    assert "no row contributes" in found.missing["contributors"]
    assert found.before == pytest.approx(1)


def test_a_quantile_is_shown_in_its_own_unit_and_its_contributors_in_shares(reader: LocalClient) -> None:
    facts = FACTS.model_copy(update={"metric": "latency_p95", "unit": "ms", "value": 900.0})
    found = gather_evidence(reader, episode(NOW, facts), NOW)
    assert found.before == pytest.approx(400)
    assert found.unit == "ratio"
    assert all(abs(row["delta"]) <= 1 for row in found.contributors)


def test_alerts_beyond_the_first_five_say_that_they_have_no_evidence(reader: LocalClient) -> None:
    many = [episode(NOW, FACTS, job=str(i)) for i in range(7)]
    found = compose_payload(reader, message(*many), "http://board", NOW)
    assert found["title"] == "Firing: 7 × High"
    assert [bool(each["contributors"]) for each in found["alerts"]] == [True] * 5 + [False] * 2
    assert "only the first 5" in found["alerts"][6]["missing"]["contributors"]


def test_an_alert_without_a_metric_says_its_summary(reader: LocalClient) -> None:
    facts = AlertSnapshot(rule="Beat", kind="heartbeat", annotations={"summary": "alerting works"})
    found = compose_payload(reader, message(episode(NOW, facts)), "http://board", NOW)
    assert found["title"] == "Firing: alerting works"
    over = replace(episode(NOW, facts), ends_at=NOW)
    ended = compose_payload(reader, replace(message(), resolved=(over,)), "http://board", NOW)
    assert (ended["title"], ended["alerts"][0]["state"]) == ("Resolved: alerting works", "resolved")


def test_the_payload_can_be_read_as_text(payload: dict[str, Any]) -> None:
    told = payload_as_text(payload)
    for words in ("tenant acme +", "deploy router r-77", "Owner: router team", "Silence: http://board/alerts?", "▁"):
        assert words in told


def test_a_sparkline_is_a_sign_a_value_and_a_picture_that_decodes() -> None:
    assert sparkline.sparkline_text([0, None, 1, 2]) == "▁ ▅█"
    assert sparkline.sparkline_text([3.0, 3.0]) == "▅▅"
    assert sparkline.sparkline_text([None]) == sparkline.sparkline_png([1.0]).decode() == ""
    picture = sparkline.sparkline_png([0, 1, None, 2, 1])
    assert struct.unpack(">II", picture[16:24]) == (sparkline.WIDTH_PX, sparkline.HEIGHT_PX)
    data = picture[picture.index(b"IDAT") + 4 : picture.index(b"IEND") - 8]
    assert len(zlib.decompress(data)) == sparkline.HEIGHT_PX * (3 * sparkline.WIDTH_PX + 1)


def test_a_sparklines_picture_has_the_highest_value_on_top_and_a_gap_where_one_is_unknown() -> None:
    picture = Image.open(BytesIO(sparkline.sparkline_png([0, 1, None, 2, 1])))
    inked = {
        x: ys for x in range(sparkline.WIDTH_PX) if (ys := [y for y in range(48) if picture.getpixel((x, y)) == INK])
    }
    assert set(inked) == {*range(61), *range(179, 240)}  # values stand 59.75 apart
    assert (max(inked[0]), min(inked[179]), {len(ys) for ys in inked.values()}) == (46, 1, {2})


def test_the_sparkline_in_a_payload_is_a_png(payload: dict[str, Any]) -> None:
    assert base64.b64decode(payload["alerts"][0]["sparkline"]["png"]).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.1234, "ratio", "12.3 %"),
        (12345.6, "ms", "12.3 s"),
        (3.25, "usd", "$3.25"),
        (0.00125, "usd", "$0.00125"),
        (7.0, "count", "7"),
        (None, "ratio", "–"),
    ],
)
def test_format_value_writes_the_unit(value: float | None, unit: str, expected: str) -> None:
    assert format_value(value, unit) == expected


def test_an_alert_on_a_burning_budget_names_the_job_that_burns_it() -> None:
    store = DuckStore.in_memory()
    usual = [{"started_at": NOW - timedelta(minutes=6 * i), "cost_usd": 0.01, "task_type": "chat"} for i in range(300)]
    few = [{"started_at": NOW - timedelta(minutes=i), "cost_usd": 12, "job": "runaway"} for i in range(1, 21)]
    put(store, [{"job": None, "task_type": None} | each for each in usual + few], "attempts")
    rule = BudgetRule.model_validate({"alert": "BudgetBurn", "over": "1h", "budget": {"usd": 100}})
    reading = RuleReading({}, True, 400.0, 30, threshold=1)
    known = snapshot_alert(
        rule, Alert("BudgetBurn", (("alertname", "BudgetBurn"),), "firing", NOW - HOUR / 2, reading, NOW)
    )
    (told,) = compose_payload(LocalClient(store), message(episode(NOW - HOUR / 2, known)), "http://board/", NOW)[
        "alerts"
    ]
    first = told["contributors"][0]
    assert (first["dimension"], first["value"], first["unit"]) == ("job", "runaway", "usd")
    assert first["delta"] == pytest.approx(240)
    assert first["share"] == pytest.approx(1, abs=0.001)
    assert (told["before"], told["after"]) == (None, 400.0)  # a burn rate, not dollars
    assert parse_qs(urlsplit(told["links"]["dashboard"]).query)["metric"] == ["cost"]
    text = payload_as_text({"title": "", "alerts": [told]})
    assert "job runaway +$240.00 (100.0 % of the change" in text
    assert "Unexplained: " in text
    store.close()
