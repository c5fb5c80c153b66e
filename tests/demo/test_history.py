"""The history of `serve --demo`: written without the SDK, thin before its last days, reviewed by two people."""

from contextlib import closing
from datetime import timedelta

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from controlsurface.client import LocalClient, RemoteClient
from controlsurface.client.queries.costs.incidents import ControlCostArgs, ControlCostQuery
from controlsurface.collector.demo_config import DEMO_NOTIFIER, demo_config
from controlsurface.config import Config
from controlsurface.demo.demo_company import DemoSettings
from controlsurface.demo.otlp_bodies import EncodedSpans
from controlsurface.demo.router_simulation import simulate_requests
from controlsurface.demo.span_exporter import SdkTracing
from controlsurface.serve.demo_history import log_incident
from controlsurface.store.duckdb import DuckStore
from tests.demo.demo_traffic import HOUR, NOW
from tests.serving import serving


def spans_in(body: ExportTraceServiceRequest) -> set[object]:
    """All that a body says of each span, in no order."""
    return {
        (
            *(span.trace_id, span.span_id, span.parent_span_id, span.name, span.kind, span.status.code),
            *(span.start_time_unix_nano, span.end_time_unix_nano, scopes.scope.name),
            frozenset((each.key, each.value.SerializeToString()) for each in span.attributes),
            resource.resource.attributes[0].SerializeToString(),
        )
        for resource in body.resource_spans
        for scopes in resource.scope_spans
        for span in scopes.spans
    }


def test_spans_written_by_ourselves_are_those_of_the_sdk() -> None:
    sdk, own = SdkTracing(), EncodedSpans()
    for request in simulate_requests(DemoSettings(3, "incident", 0.2, event_at=NOW - HOUR), NOW - 2 * HOUR, NOW):
        sdk.record(request)
        own.record(request)
    body = own.take()
    assert body is not None
    found = ExportTraceServiceRequest.FromString(body.data)
    assert spans_in(found) == spans_in(encode_spans(sdk.take()))
    assert len(body) == len(spans_in(found)) > 1_000
    assert own.take() is None


def test_a_history_is_thin_before_it_is_dense() -> None:
    settings = DemoSettings(rate=0.2, rhythm=False, dense_from=NOW)
    thin = sum(1 for _ in simulate_requests(settings, NOW - timedelta(hours=20), NOW))
    dense = sum(1 for _ in simulate_requests(settings, NOW, NOW + timedelta(hours=20)))
    assert 0.2 * 72_000 * 0.95 < dense < 0.2 * 72_000 * 1.05
    assert 0.04 < thin / dense < 0.1


def test_a_demo_keeps_its_own_texts_only_and_logs_its_alerts() -> None:
    found = demo_config(Config())
    assert (found.content.store, found.content.keep) == ("none", ("controlsurface.demo.*",))
    assert [*found.delivery.notifiers] == [DEMO_NOTIFIER]
    assert [each.owner for each in found.budgets] == [
        {"team": each} for each in ("support", "legal", "research", "engineering")
    ]
    assert found.control.hourly_of("operations") == 90
    given = Config.model_validate(
        {
            "content": {"store": "all"},
            "delivery": {"notifiers": {"mine": {"kind": "log"}}},
            "budgets": [{"name": "all", "usd": 5}],
            "control": {"hourly_usd": 70},
        }
    )
    assert demo_config(given) == given


def test_the_time_of_two_engineers_on_the_incident_is_kept_once() -> None:
    with (
        closing(LocalClient(DuckStore.in_memory())) as store,
        serving(store) as url,
        closing(RemoteClient(url)) as client,
    ):
        for _ in range(2):
            log_incident(client)
        found = client.run(ControlCostQuery(ControlCostArgs(by="team", start="-1d", end="now"))).rows.to_pylist()
    assert [(row["incidents"], row["engineer_minutes"]) for row in found if row["incidents"]] == [(1, 100)]
