"""Model calls under other operation names, and wrappers that repeat them: public reports and what each comes to."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from tests.ingest.loading import Loaded, loaded
from tests.ingest.spans import S, Value, body


class SentSpan(BaseModel):
    """A span of a report; `parent` 0 is a root."""

    id: int
    parent: int
    name: str
    kind: int
    attributes: dict[str, Value]


class Report(BaseModel):
    """A public report: its source, its spans, and the sums over the attempts that they are."""

    name: str
    source: str
    spans: list[SentSpan]
    expect: dict[str, int | None]


FILE = Path(__file__).parent / "public" / "operations.json"
REPORTS = [Report(**row) for row in json.loads(FILE.read_text("utf-8"))]


def _body(report: Report, trace: int) -> bytes:
    return body(*(S(s.id, s.parent, s.attributes, name=s.name, kind=s.kind, trace=trace) for s in report.spans))


@pytest.fixture(scope="module")
def store() -> Loaded:
    """All reports, each in a trace of its own."""
    return loaded([("traces", _body(report, trace)) for trace, report in enumerate(REPORTS, 1)])


@pytest.mark.parametrize(("trace", "report"), list(enumerate(REPORTS, 1)), ids=[report.name for report in REPORTS])
def test_spans_of_a_public_report_come_to_its_calls_once(trace: int, report: Report, store: Loaded) -> None:
    row = store.one(
        "SELECT count(*) AS attempts, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens "
        f"FROM attempts WHERE trace_hex(trace_id) = '{trace:032x}'"
    )
    assert row == report.expect, report.source
