"""One request: attributes as text to copy, its confidence beside the threshold, its trace in another tracer."""

from base64 import b64decode
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from controlsurface.charts import DARK
from controlsurface.config.server_access import ServerConfig
from controlsurface.store.duckdb import DuckStore
from controlsurface.ui.requests.confidence_bar import confidence_image
from controlsurface.ui.requests.span_attributes import span_value_text
from controlsurface.ui.requests.trace_link import TRACE_URL_ENVIRONMENT, trace_address
from tests.ui.conftest import Open
from tests.ui.requests.test_traces import one

SPAN = {
    "attributes": [
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "9007199254740993"}},
        {"key": "b", "value": {"arrayValue": {"values": [{"stringValue": "x"}, {"intValue": "2"}]}}},
        {"key": "a", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": False}}]}}},
        {"key": "empty", "value": {}},
        {"key": "text", "value": {"stringValue": "two\nlines"}},
    ],
    "events": [{"name": "exception", "attributes": [{"key": "type", "value": {"stringValue": "Timeout"}}]}],
    "status": {"code": 2, "message": "gave up"},
}


def test_attributes_are_text_with_every_value_as_it_was_sent() -> None:
    assert span_value_text(SPAN).split("\n") == [
        'a = {"k":false}',
        'b = ["x",2]',
        "empty = null",
        "gen_ai.usage.input_tokens = 9007199254740993",
        "text = two",
        "lines",
        "status = gave up",
        "event exception",
        "  type = Timeout",
    ]


def test_a_span_without_anything_has_no_text() -> None:
    assert span_value_text({}) == ""


def picture(known: float | None, threshold: float | None) -> str:
    found = confidence_image(known, threshold, DARK)
    return b64decode(found.partition(",")[2]).decode() if found else ""


def test_a_confidence_has_its_threshold_as_a_tick_and_a_colour_below_it() -> None:
    assert picture(0.9, 0.5).count("<rect") == 3
    assert picture(0.9, None).count("<rect") == 2
    assert DARK.changed in picture(0.4, 0.5)
    assert DARK.changed not in picture(0.9, 0.5)


@pytest.mark.parametrize("known", [None, -3.2, 1.5])
def test_a_confidence_on_another_scale_has_no_bar(known: float | None) -> None:
    assert picture(known, 0.5) == ""


def test_the_address_of_a_trace_has_its_id_and_an_hour_around_it() -> None:
    at = datetime(2026, 1, 9, 12, tzinfo=UTC)
    found = trace_address("https://t.example.com/{trace_id}?from={start_ms}&to={end_ms}", "ab/c", at)
    middle = int(at.timestamp() * 1000)
    assert found == f"https://t.example.com/ab%2Fc?from={middle - 3_600_000}&to={middle + 3_600_000}"


def test_a_template_that_is_json_keeps_its_braces() -> None:
    """Grafana's Explore takes JSON in its address: kiali/kiali#6531, grafana/grafana#77937."""
    template = 'https://g.example.com/explore?left={"queries":[{"query":"{trace_id}"}],"range":{"from":"{start_ms}"}}'
    found = trace_address(ServerConfig(trace_url=template).trace_url, "0a1b", datetime(2026, 1, 9, tzinfo=UTC))
    assert found.startswith('https://g.example.com/explore?left={"queries":[{"query":"0a1b"}],"range":{"from":"17')


def test_the_address_of_an_old_trace_says_when_it_was() -> None:
    """A tracer that looks through its last hour finds no older trace: grafana/grafana#124821."""
    old = datetime(2024, 3, 1, tzinfo=UTC)
    first, again = (trace_address("https://t.example.com/{trace_id}/{start_ms}", "0a", old) for _ in range(2))
    assert first == again == f"https://t.example.com/0a/{int(old.timestamp() - 3600) * 1000}"


@pytest.mark.parametrize("text", ["javascript:{trace_id}", "https://t.example.com/trace", "t.example.com/{trace_id}"])
def test_an_address_that_is_none_of_a_trace_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="write one like"):
        ServerConfig(trace_url=text)


def test_a_request_has_a_button_to_the_tracer_and_its_attributes(
    opened: Open, seeded: DuckStore, seeded_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRACE_URL_ENVIRONMENT, "https://t.example.com/{trace_id}")
    row = one(seeded, "escalation_kind = 'routed'")
    app = opened(seeded_url, "traces.py", request=row["request_id"], at=row["started_at"] + "Z")
    assert not app.exception
    assert [each.proto.url for each in app.get("link_button")] == [f"https://t.example.com/{row['trace_id']}"]
    assert app.selectbox(key="span").options
    assert " = " in app.code[0].value
