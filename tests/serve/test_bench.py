"""The benchmark sends what it says, and measures a real collector."""

import json
import subprocess
import sys
from collections import Counter

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from controlsurface.bench.ingest_bench import IngestBenchResult
from controlsurface.bench.otlp_bodies import body_template, first_trace_id

NOW_NS = 1_790_000_000_000_000_000
KEYS = {"spans_per_s", "spans_per_cpu_s", "ack_p50_ms", "ack_p99_ms", "series_bound", "share_of_bound", "rss_mb"}


def spans_of(body: bytes) -> list[Span]:
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    return list(resource.scope_spans[0].spans)


@pytest.mark.parametrize(("prompts", "size"), [(True, 2281), (False, 768)])
def test_benchmark_bodies_are_as_large_as_the_corpus(prompts: bool, size: int) -> None:
    made = body_template(512, NOW_NS, prompts=prompts)
    assert made.spans == 512
    assert len(made.payload) / made.spans == pytest.approx(size, rel=0.05)


def test_benchmark_bodies_share_no_trace() -> None:
    made = body_template(40, NOW_NS, prompts=False)
    one, two = ({span.trace_id for span in spans_of(made.body(n))} for n in (1, 2))
    assert len(one) == len(two) == 10
    assert not one & two
    assert bytes.fromhex(first_trace_id(1)) in one


def test_benchmark_bodies_are_like_real_ones() -> None:
    for span in spans_of(body_template(512, NOW_NS, prompts=True).payload):
        assert 12 <= len(span.attributes) <= 20
        assert span.events
    root = spans_of(body_template(4, NOW_NS, prompts=True).payload)[0]
    assert root.links
    assert max(Counter(each.key for each in root.attributes).values()) == 2


def test_a_short_benchmark_run_gives_every_figure() -> None:
    argv = [
        sys.executable,
        "-m",
        "controlsurface.cli",
        "bench",
        "ingest",
        "--seconds",
        "2",
        "--json",
        "--connections",
        "2",
    ]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=150, check=True)
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found.keys() >= KEYS
    assert found.keys() == set(IngestBenchResult.__annotations__) - {"watched"}
    assert all(value > 0 for name, value in found.items() if name != "refused")
    assert 0 < found["share_of_bound"] < 2
    assert found["kept_list_share"] + found["evidence_share"] < 0.5
    assert found["ack_p50_ms"] <= found["ack_p99_ms"]
