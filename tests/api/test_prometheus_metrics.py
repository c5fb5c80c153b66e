"""What Prometheus scrapes is what Prometheus can read."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from controlsurface.api.prometheus_metrics import EXPOSED_METRICS, Exposition
from controlsurface.api.prometheus_text import MetricFamily, render_families
from controlsurface.client import LocalClient
from controlsurface.metrics.catalog import CATALOG
from controlsurface.query import statement
from controlsurface.store.duckdb import DuckStore
from controlsurface.store.named_query import PURPOSES
from tests.seed import seed

UNITS = {"ms": "_seconds", "ratio": "_ratio", "usd": "_usd"}


@pytest.fixture(scope="module")
def live() -> Iterator[LocalClient]:
    store = DuckStore.in_memory()
    seed(store, n=500, days=0.004)
    counters = {
        "received": 12,
        "accepted": 11,
        "rejected": 1,
        "refused": 2,
        "mended": 3,
        "pending": 4,
        "lag_ms": 250,
        "backlog": 9,
    }
    yield LocalClient(store, lambda: counters | {"last_accepted_ns": 1_767_960_000 * 10**9})
    store.close()


@pytest.fixture(scope="module")
def families(live: LocalClient) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(Exposition(live).render())}


def test_every_exposed_metric_is_there_with_its_unit(families: dict[str, Any]) -> None:
    for name in EXPOSED_METRICS:
        suffix = UNITS.get(CATALOG[name].unit, "")
        family = families[f"controlsurface_{name}".removesuffix(suffix) + suffix]
        assert family.type == "gauge"
        assert family.documentation.startswith(CATALOG[name].help)
        assert family.samples


def test_requests_of_the_last_five_minutes_are_counted_by_lane_and_task(
    families: dict[str, Any], live: LocalClient
) -> None:
    samples = families["controlsurface_requests"].samples
    assert {*samples[0].labels} == {"lane", "task_type"}
    assert 200 < sum(sample.value for sample in samples) <= 500


def test_latency_is_in_seconds(families: dict[str, Any]) -> None:
    assert all(0 < sample.value < 60 for sample in families["controlsurface_latency_p50_seconds"].samples)


def test_counters_are_counters_and_end_in_total(families: dict[str, Any]) -> None:
    received = families["controlsurface_ingest_received_spans"]
    assert (received.type, received.samples[0].name) == ("counter", "controlsurface_ingest_received_spans_total")
    assert received.samples[0].value == 12
    assert families["controlsurface_ingest_refused"].samples[0].value == 2
    assert families["controlsurface_ingest_mended"].samples[0].value == 3


def test_ingest_metrics_are_exposed_in_base_units(families: dict[str, Any]) -> None:
    assert families["controlsurface_ingest_pending_spans"].samples[0].value == 4
    assert families["controlsurface_ingest_lag_seconds"].samples[0].value == 0.25
    assert families["controlsurface_ingest_last_accepted_timestamp_seconds"].samples[0].value == 1_767_960_000
    assert families["controlsurface_ready"].samples[0].value == 1


def test_process_metrics_have_the_names_of_prometheus_clients(families: dict[str, Any]) -> None:
    assert families["process_resident_memory_bytes"].samples[0].value > 1e6
    assert families["process_cpu_seconds"].samples[0].value > 0
    assert families["process_start_time_seconds"].samples[0].value > 1.7e9


def test_the_exposition_keeps_to_the_naming_rules(live: LocalClient) -> None:
    written = Exposition(live).render()
    names = re.findall(r"^# TYPE (\S+) (\S+)$", written, re.MULTILINE)
    assert len({name for name, _ in names}) == len(names)
    assert all((kind == "counter") == name.endswith("_total") for name, kind in names)
    assert written.endswith("\n")


@given(st.text(), st.text(), st.floats(allow_nan=False))
def test_any_label_and_help_survive_the_exposition(label: str, help_: str, value: float) -> None:
    written = render_families(
        MetricFamily("x", "gauge", help_.replace("\r", ""), (({"lane": label.replace("\r", "")}, value),))
    )
    # Unicode's other line ends are no line ends here, but they are to the parser's splitting.
    if len(written.splitlines()) == 3:
        (family,) = text_string_to_metric_families(written)
        assert family.samples[0].labels == {"lane": label.replace("\r", "")}
        assert family.samples[0].value == value


def test_the_exposition_caches_metrics_for_a_while_and_counters_not() -> None:
    store = DuckStore.in_memory()
    received = iter(range(9))
    exposition = Exposition(LocalClient(store, lambda: {"received": next(received)}), keep_s=60)
    before = exposition.render()
    seed(store, n=100, days=0.001)
    after = exposition.render()
    assert "received_spans_total 0.0" in before
    assert "received_spans_total 1.0" in after
    assert "controlsurface_requests{" not in after
    assert "controlsurface_requests{" in Exposition(LocalClient(store, dict)).render()
    store.close()


def test_a_metric_with_too_many_series_is_left_out_and_counted(
    live: LocalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement, "MAX_ROWS", 7)
    families = {family.name: family for family in text_string_to_metric_families(Exposition(live).render())}
    assert "controlsurface_requests" not in families
    assert families["controlsurface_left_out_metrics"].samples[0].value > 0


def test_the_exposition_is_served_as_the_text_format(url: str) -> None:
    answer = requests.get(f"{url}/metrics", timeout=30)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "controlsurface_build_info{" in answer.text


def test_an_empty_store_is_scraped_too(empty: LocalClient) -> None:
    families = {family.name: family for family in text_string_to_metric_families(Exposition(empty).render())}
    assert families["controlsurface_requests"].samples == []


def test_data_queries_are_counted_by_name(live: LocalClient) -> None:
    Exposition(live).render()
    found = {family.name: family for family in text_string_to_metric_families(Exposition(live).render())}
    names = {sample.labels["query"] for sample in found["controlsurface_queries"].samples}
    assert {"metrics.batch", "usage.ledger", "cardinality.values"} <= names <= set(PURPOSES)
    assert all(sample.value > 0 for sample in found["controlsurface_query_seconds"].samples)
    assert {sample.value for sample in found["controlsurface_slow_queries"].samples} == {0}
