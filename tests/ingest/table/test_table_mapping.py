"""Mappings of one's own: what they can say, and what is said when they do not fit."""

import gzip
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from controlsurface.errors import BadBody, ConfigError, NotFound
from controlsurface.ingest import table
from controlsurface.ingest.table.table_mapping import SHIPPED_MAPPINGS, read_mapping

CSV = "at,task,sure,in,out,right,secs\n2026-01-02T03:04:05Z,sql,87,10,20,yes,1.5\n2026-01-02T03:04:06Z,chat,,7,3,no,2\n"
MAPPING = """
name = "mine"
[request]
started_at = "at"
task_type = "task"
confidence = { column = "sure", scale = 0.01 }
duration_ms = { column = "secs", scale = 1000 }
[[attempts]]
model = { const = "slm-7b" }
input_tokens = "in"
output_tokens = "out"
gate_passed = { column = "right", equals = "yes" }
[[attempts]]
when = { column = "task", equals = "sql" }
shadow = true
lane = { column = "task", values = { sql = "large" } }
sampling_probability = { const = 1 }
"""


class Files:
    """A table and a mapping on disk."""

    def __init__(self, folder: Path) -> None:
        self.table, self.mapping = folder / "t.csv", folder / "m.toml"
        self.write()

    def write(self, table: str = CSV, mapping: str = MAPPING) -> "Files":
        self.table.write_text(table)
        self.mapping.write_text(mapping)
        return self

    def spans(self, path: Path | None = None) -> list[Span]:
        found = map(ExportTraceServiceRequest.FromString, table.table_bodies(path or self.table, self.mapping))
        scopes = (scope for body in found for resource in body.resource_spans for scope in resource.scope_spans)
        return [span for scope in scopes for span in scope.spans]

    def problem(self, table: str = CSV, mapping: str = MAPPING) -> str:
        with pytest.raises((BadBody, ConfigError)) as raised:
            self.write(table, mapping).spans()
        return str(raised.value)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def attributes(span: Span) -> dict[str, Any]:
    return {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in span.attributes}


def test_a_table_row_is_a_routing_span_with_its_attempts_below(files: Files) -> None:
    route, call, shadow, *second = files.spans()
    assert [span.parent_span_id for span in (route, call, shadow)] == [b"", route.span_id, route.span_id]
    assert attributes(route) == {"controlsurface.task_type": "sql", "controlsurface.router.confidence": 0.87}
    assert attributes(call) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "slm-7b",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 20,
        "controlsurface.quality_gate.passed": True,
    }
    assert attributes(shadow)["controlsurface.shadow.of"] == f"{route.trace_id.hex()}-{route.span_id.hex()}"
    assert [attributes(span).get("controlsurface.router.confidence", "unknown") for span in second] == ["unknown"] * 2


def test_times_and_durations_become_nanoseconds_and_unknown_ones_end_at_zero(files: Files) -> None:
    route, call, *_ = files.spans()
    start = int(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()) * 10**9
    assert (route.start_time_unix_nano, route.end_time_unix_nano) == (start, start + 1_500_000_000)
    assert (call.start_time_unix_nano, call.end_time_unix_nano) == (start, 0)


def test_a_gzipped_table_is_the_same_table(files: Files, tmp_path: Path) -> None:
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(CSV.encode()))
    assert files.spans(packed) == files.spans()


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_csv_separators_are_detected(files: Files, separator: str) -> None:
    expected = [attributes(span) for span in files.spans()]
    read = [attributes(span) for span in files.write(CSV.replace(",", separator)).spans()]
    without_link = [{k: v for k, v in each.items() if k != "controlsurface.shadow.of"} for each in read]
    assert without_link == [{k: v for k, v in each.items() if k != "controlsurface.shadow.of"} for each in expected]


def test_a_parquet_file_keeps_its_types(files: Files, tmp_path: Path) -> None:
    at = [datetime(2026, 1, 2, 3, 4, 5, 678901), datetime(2026, 1, 2, 3, 4, 6)]  # noqa: DTZ001  as tables store them
    columns = {"at": at, "task": ["sql", "chat"], "sure": [87, None], "in": [10.0, 7.0], "out": [20, 3]}
    pl.DataFrame({**columns, "right": ["yes", "no"], "secs": [1.5, 2.0]}).write_parquet(tmp_path / "t.parquet")
    route, call, *_ = files.spans(tmp_path / "t.parquet")
    assert route.start_time_unix_nano % 10**9 == 678_901_000
    assert attributes(call)["gen_ai.usage.input_tokens"] == 10


@pytest.mark.parametrize(
    ("written", "how"),
    [
        ("2026-01-02T03:04:05Z", "iso"),
        ("2026-01-02 03:04:05", "iso"),
        ("2026-01-02T05:04:05.000+02:00", "iso"),
        ("2026-01-02 03:04", "iso"),
        ("1767323045", "unix"),
        ("1767323045000", "unix_ms"),
        ("02/01/2026 03h04m05", "%d/%m/%Y %Hh%Mm%S"),
        ("2026-01-02T05:04:05+0200", "%Y-%m-%dT%H:%M:%S%z"),
    ],
)
def test_times_are_read_as_the_mapping_says(files: Files, written: str, how: str) -> None:
    text = f'name = "t"\n[request]\nstarted_at = {{ column = "at", time = "{how}" }}'
    [span] = files.write(f"at,x\n{written},1\n", text).spans()
    assert span.start_time_unix_nano // 60_000_000_000 == 1767323045 // 60


def test_a_table_without_times_gets_them_row_by_row(files: Files) -> None:
    text = 'name = "t"\n[request]\nstarted_at = { const = 2026-01-01T00:00:00Z, every = "90s" }'
    starts = [span.start_time_unix_nano for span in files.write(mapping=text).spans()]
    assert starts[1] - starts[0] == 90 * 10**9


def test_rows_keep_their_ids_whatever_is_filtered_and_another_name_makes_others(files: Files) -> None:
    every = {span.span_id for span in files.spans()}
    chosen = {
        span.span_id for span in files.write(mapping='only = [{ column = "task", equals = "chat" }]' + MAPPING).spans()
    }
    renamed = {span.span_id for span in files.write(mapping=MAPPING.replace("mine", "other")).spans()}
    assert chosen < every
    assert not renamed & every


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("task_type", "task_typ", "task_typ: no such field; did you mean 'task_type'?"),
        ("model =", "modle =", "modle: no such field; did you mean 'model'?"),
        ('started_at = "at"', "", "request has no started_at"),
        ('"task"', '{ column = "task", scale = 2 }', "task_type: scale makes no text"),
        ('"task"', '{ column = "task", cale = 2 }', "request.task_type.cale: no such key; did you mean 'scale'?"),
        ('"task"', "{ const = 7 }", "task_type: 7 is no text"),
        ('"task"', "{ const = 'a', column = 'task' }", "give either column or const"),
        ('"task"', "{ column = 'task', equals = 'x', values = {} }", "equals, values: give one of them at most"),
        ('"task"', "{ const = 'a', every = '1s' }", "every needs a const that is a time"),
        (', equals = "sql" }', " }", "give either equals or present"),
        ('name = "mine"', "name = ", "Invalid value"),
    ],
)
def test_an_invalid_mapping_is_refused_with_its_place(files: Files, wrong: str, right: str, said: str) -> None:
    text = files.problem(mapping=MAPPING.replace(wrong, right, 1))
    assert text.startswith(f"{files.mapping}: ")
    assert said in text


def test_a_missing_column_is_named_with_the_nearest_one(files: Files) -> None:
    text = files.problem(mapping=MAPPING.replace('"task"', '"tasks"', 1))
    assert text == (
        f"mine: request.task_type: {files.table} has no column 'tasks'; did you mean 'task'?; "
        "its columns: at, task, sure, in, out, right, secs"
    )


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        (",10,", ",ten,", "row 1, column 'in': 'ten' is no whole number (attempts.0.input_tokens)"),
        (",10,", ",1.5,", "row 1, column 'in': '1.5' is no whole number (attempts.0.input_tokens)"),
        (",87,", ",much,", "row 1, column 'sure': 'much' is no number (request.confidence)"),
        ("sql", "SQL", "row 1, column 'task': 'SQL' is no word among sql (attempts.1.lane)"),
        ("2026-01-02T03:04:06Z", "later", "row 2, column 'at': 'later' is no time as 'iso' says (request.started_at)"),
        ("2026-01-02T03:04:06Z", "1969-01-01", "row 2, column 'at': '1969-01-01' is no time"),
        ("2026-01-02T03:04:06Z", "", "row 2, column 'at': nothing is no time"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_row_and_column(
    files: Files, wrong: str, right: str, said: str
) -> None:
    text = files.problem(CSV.replace(wrong, right, 1))
    assert text.startswith(f"{files.table}: ")
    assert said in text


def test_a_file_that_is_no_table_is_refused(files: Files, tmp_path: Path) -> None:
    assert str(files.table) in files.problem(table="")
    (tmp_path / "p.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(BadBody, match=r"p\.parquet: "):
        files.spans(tmp_path / "p.parquet")
    with pytest.raises(NotFound):
        files.spans(tmp_path / "gone.csv")


def test_an_unknown_mapping_is_refused_with_the_shipped_ones() -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'routellm_gsm8k'.*azure_llm_2023, llmrouter_uiuc"):
        read_mapping(Path("routellm_gsm8"))


@pytest.mark.parametrize("path", sorted(SHIPPED_MAPPINGS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_mapping_is_valid_and_named_like_its_file(path: Path) -> None:
    assert read_mapping(path).name == path.stem


def test_a_table_named_like_our_rows_needs_no_mapping(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "t.csv"
    path.write_text("started_at,task_type,answered_by,modle,gate\n2026-01-01,sql,slm-7b,x,pass\n")
    with caplog.at_level(logging.WARNING):
        [payload] = table.table_bodies(path)
    [resource] = ExportTraceServiceRequest.FromString(payload).resource_spans
    assert attributes(resource.scope_spans[0].spans[1])["controlsurface.quality_gate.passed"] is True
    assert "no field of mapping requests takes the columns modle" in caplog.text


def test_a_table_row_that_no_model_answered_has_no_call(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("started_at,cache,answered_by\n2026-01-01,exact,\n2026-01-01,,slm-7b\n")
    [payload] = table.table_bodies(path)
    [resource] = ExportTraceServiceRequest.FromString(payload).resource_spans
    assert [span.name for span in resource.scope_spans[0].spans] == ["route", "route", "chat"]


def test_long_tables_come_in_several_bodies_in_order(files: Files) -> None:
    rows = "".join(f"2026-01-02T03:04:05Z,chat,,{i},1,no,1\n" for i in range(4_500))
    files.write(CSV.splitlines(keepends=True)[0] + rows, MAPPING.replace("sql =", "chat ="))
    sizes = [
        len(ExportTraceServiceRequest.FromString(each).resource_spans[0].scope_spans[0].spans)
        for each in table.table_bodies(files.table, files.mapping)
    ]
    tokens = [attributes(span).get("gen_ai.usage.input_tokens") for span in files.spans()]
    assert max(sizes) <= 3 * table.ROWS_PER_BODY
    assert [each for each in tokens if each is not None] == list(range(4_500))
