"""Log records with the event names of span events are read like them, whatever comes first."""

from itertools import permutations

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from tests.ingest.loading import Body, Loaded, loaded
from tests.ingest.spans import T0_NS, S, body, call, route

SELECTED = "litellm.request.deployment_selected"


def log(
    own: int, event: str, at: int = 5, field: bool = True, scope: str = "a-logger-with-a-long-name", **more: str
) -> Body:
    """One log record about span `own` of trace 1; `field`: its event has the field of its own, not an attribute."""
    export = ExportLogsServiceRequest()
    scope_logs = export.resource_logs.add().scope_logs.add()
    scope_logs.scope.name = scope
    said = more if field else {"event.name": event, **more}
    scope_logs.log_records.add(
        trace_id=(1).to_bytes(16, "big"),
        span_id=own.to_bytes(8, "big"),
        time_unix_nano=T0_NS + at * 1_000_000,
        event_name=event if field else "",
        attributes=[
            KeyValue(key=key.replace("__", "."), value=AnyValue(string_value=text)) for key, text in said.items()
        ],
    )
    return "logs", export.SerializeToString()


def spans(*given: S) -> Body:
    return "traces", body(*given)


def facts(store: Loaded) -> tuple[object, ...]:
    (row,) = store.rows("requests")
    (span,) = store.rows("(SELECT * FROM spans WHERE span_id = 1)")
    return row["fell_back"], row["error_type"], row["duration_ms"], span["start_ns"] - T0_NS, span["name"], row["lane"]


def test_a_routing_record_is_an_event_of_its_span_in_any_order_of_arrival() -> None:
    bodies = [spans(route(1), call(2, 1)), log(1, SELECTED, -3, litellm__deployment__reason="fallback")]
    found = {facts(loaded(*([each] for each in order))) for order in permutations(bodies)}
    assert len(found) == 1
    assert found.pop()[0] is True
    assert loaded(bodies).rows("requests") == loaded(*([each] for each in bodies)).rows("requests")


def test_an_exception_record_names_the_error_of_a_failed_span() -> None:
    for field in (True, False):
        name = "gen_ai.client.operation.exception"
        store = loaded([spans(call(1, error=True)), log(1, name, field=field, exception__type="RateLimitError")])
        assert [row["error_type"] for row in store.rows("attempts")] == ["RateLimitError"]


def test_a_record_takes_neither_times_nor_scope_from_its_span() -> None:
    alone, both = loaded([spans(call(1))]), loaded([log(1, "exception", -3)], [spans(call(1))])
    columns = "(SELECT start_ns, end_ns, started_at, duration_ms, name, kind FROM spans)"
    assert alone.rows(columns) == both.rows(columns)
    assert b"long-name" not in both.one("SELECT around FROM spans")["around"]


def test_records_that_no_column_reads_or_that_name_no_span_make_no_spans() -> None:
    store = loaded([log(1, "user.signed_in"), log(0, SELECTED)])
    assert store.rows("spans") == []
