"""`import` of what is older than it is kept: refused before anything is stored, with the keys that would keep it."""

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from controlsurface.cli import run_command
from controlsurface.client import LocalClient
from controlsurface.client.queries.metric_queries import MetricQuery
from controlsurface.config import load_config
from controlsurface.errors import BadRequest
from controlsurface.maintenance.retention_worker import apply_retention
from controlsurface.metrics.queries.metric_query import MetricArgs
from controlsurface.store.duckdb import STORE_FILE, DuckStore
from tests.launch import collector

NOW = datetime.now(UTC)
HEAD = "started_at,task_type,lane,model,input_tokens\n"


def csv(path: Path, *days_ago: float) -> Path:
    """A table of requests of the shipped mapping `requests`."""
    times = (NOW - timedelta(days=each) for each in days_ago)
    path.write_text(HEAD + "".join(f"{each:%Y-%m-%dT%H:%M:%SZ},chat,small,mini,5\n" for each in times))
    return path


def body(*days_ago: float) -> ExportTraceServiceRequest:
    spans = [
        Span(
            trace_id=bytes([i + 1] * 16),
            span_id=bytes([i + 1] * 8),
            name="route",
            start_time_unix_nano=int((NOW - timedelta(days=each)).timestamp() * 1e9),
        )
        for i, each in enumerate(days_ago)
    ]
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])])


def spans(data: Path) -> int:
    store = DuckStore.open(data)
    found = store.state("FROM spans").num_rows
    store.close()
    return found


def refused(capsys: pytest.CaptureFixture[str], data: Path, *arguments: str | Path) -> str:
    code = run_command(["import", *map(str, arguments), "--data", str(data)])
    said = capsys.readouterr().err
    assert code == BadRequest.exit_code, said
    assert not (data / STORE_FILE).exists() or spans(data) == 0
    return said


def test_a_table_that_is_too_old_is_refused_with_the_keys_and_the_days_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, tmp_path / "data", csv(tmp_path / "t.csv", 1, 100, 200))
    assert "t.csv: 2 of 3 rows are older than they are kept" in said
    assert f"{NOW - timedelta(days=200):%Y-%m-%d %H:%M} to {NOW - timedelta(days=100):%Y-%m-%d %H:%M}" in said
    assert 'raise retention.spans and retention.requests to "202d"' in said or '"201d"' in said
    assert "--anyway" in said


def test_the_retention_keys_that_import_names_are_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = csv(tmp_path / "t.csv", 900, 950)
    said = refused(capsys, tmp_path / "data", table)
    assert "retention.spans and retention.requests and retention.rollups" in said
    days = said.partition(' to "')[2].partition('"')[0]
    (tmp_path / "c.toml").write_text(
        "[retention]\n" + "".join(f'{k} = "{days}"\n' for k in ("spans", "requests", "rollups"))
    )
    assert (
        run_command(["--config", str(tmp_path / "c.toml"), "import", str(table), "--data", str(tmp_path / "data")]) == 0
    )
    store = DuckStore.open(tmp_path / "data")
    apply_retention(store, load_config(tmp_path / "c.toml"))
    assert store.state("FROM requests").num_rows == 2
    store.close()


def test_expired_rows_imported_anyway_leave_their_hourly_roll_ups(tmp_path: Path) -> None:
    table, data = csv(tmp_path / "t.csv", 100, 101, 102), tmp_path / "data"
    assert run_command(["import", str(table), "--anyway", "--data", str(data)]) == 0
    store = DuckStore.open(data)
    apply_retention(store, load_config(None))
    assert store.state("FROM requests").num_rows == 0
    window = MetricArgs(metric="requests", start=NOW - timedelta(days=150), end=NOW)
    assert LocalClient(store).run(MetricQuery(window)).rows["value"].to_pylist() == [3]
    store.close()


@pytest.mark.parametrize("form", ["pb", "json", "jsonl", "json.gz"])
def test_spans_of_every_format_are_looked_at(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message, path = body(1, 100, 300), tmp_path / f"spans.{form}"
    listed = [
        {
            "traceId": each.trace_id.hex(),
            "spanId": each.span_id.hex(),
            "startTimeUnixNano": str(each.start_time_unix_nano),
        }
        for each in message.resource_spans[0].scope_spans[0].spans
    ]
    document = [{"resourceSpans": [{"scopeSpans": [{"spans": [each]}]}]} for each in listed]
    whole = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": listed}]}]}).encode()
    texts = {"jsonl": "\n".join(map(json.dumps, document)).encode(), "json": whole, "json.gz": gzip.compress(whole)}
    path.write_bytes(message.SerializeToString() if form == "pb" else texts[form])
    assert f"spans.{form}: 2 of 3 spans are older" in refused(capsys, tmp_path / "data", path)


def test_an_import_that_would_lose_nearly_all_rows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """medievalrp-net/Spyglass issue 233: of 354,582 events 329,489 were older than 7 days, and the import said DONE.

    VictoriaMetrics issue 5086: the message names the flag to raise; so does ours.
    """
    (tmp_path / "c.toml").write_text('[retention]\nspans = "7d"\nrequests = "7d"\n')
    table = csv(tmp_path / "t.csv", *(30 + i / 100 for i in range(329)), *(3 - i / 100 for i in range(26)))
    code = run_command(["--config", str(tmp_path / "c.toml"), "import", str(table), "--data", str(tmp_path / "data")])
    said = capsys.readouterr().err
    assert code == BadRequest.exit_code
    assert "329 of 355 rows are older" in said
    assert "raise retention.spans and retention.requests" in said
    assert spans(tmp_path / "data") == 0


def test_an_import_of_several_files_stores_nothing_where_one_is_too_old(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new, old = csv(tmp_path / "new.csv", 1), csv(tmp_path / "old.csv", 400)
    said = refused(capsys, tmp_path / "data", new, old)
    assert "new.csv" not in said
    assert "old.csv: 1 of 1 rows" in said


def test_a_store_that_froze_its_past_says_that_no_key_helps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    store = DuckStore.open(data)
    with store.writing() as writing:
        writing.execute("INSERT INTO retained VALUES ('frozen', $at)", {"at": NOW.replace(tzinfo=None)})
    store.close()
    assert "takes nothing older" in refused(capsys, data, csv(tmp_path / "t.csv", 2))


def test_impossible_span_times_are_those_of_receipt_and_never_too_old(tmp_path: Path) -> None:
    (tmp_path / "s.pb").write_bytes(ExportTraceServiceRequest.SerializeToString(_timeless()))
    assert run_command(["import", str(tmp_path / "s.pb"), "--data", str(tmp_path / "data")]) == 0
    assert spans(tmp_path / "data") == 1


def _timeless() -> ExportTraceServiceRequest:
    made = body(1)
    made.resource_spans[0].scope_spans[0].spans[0].start_time_unix_nano = 5
    return made


def test_a_running_server_is_asked_for_its_retention(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text('[retention]\nspans = "300d"\nrequests = "300d"\n')
    with collector(tmp_path, "--config", str(tmp_path / "c.toml")):
        assert run_command(["import", str(csv(tmp_path / "a.csv", 200)), "--data", str(tmp_path / "data")]) == 0
        code = run_command(["import", str(csv(tmp_path / "b.csv", 400)), "--data", str(tmp_path / "data")])
    assert code == BadRequest.exit_code
    assert "b.csv: 1 of 1 rows are older" in capsys.readouterr().err


PUBLIC = {
    "azure_llm_2023": "azure_llm_2023/AzureLLMInferenceTrace_code.csv.gz",
    "llmrouter_uiuc": "llmrouter_uiuc/scores_train.parquet",
    "routellm_gsm8k": "routellm/gsm8k.parquet",
    "vllm_sr_probes": "vllm_sr_probes/probes.parquet",
}


@pytest.mark.parametrize("mapping", PUBLIC)
def test_public_tables_of_the_shipped_mappings_are_not_stored_to_be_gone_in_silence(
    mapping: str, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = shared_data / PUBLIC[mapping]
    rows = len(pl.read_parquet(table)) if table.suffix == ".parquet" else len(pl.read_csv(table))
    said = refused(capsys, tmp_path / "data", table, "--mapping", mapping)
    ((old, n),) = re.findall(r"([\d,]+) of ([\d,]+) rows are older", said)
    assert old == n
    assert 0 < int(n.replace(",", "")) <= rows  # a mapping may leave rows out
    assert "retention.requests" in said
