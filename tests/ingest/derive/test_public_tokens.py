"""How many tokens a call used, as public reports tell it: the sender's counts, and what they come to."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from tests.ingest.loading import Loaded, loaded
from tests.ingest.spans import S, Value, body


class TokenReport(BaseModel):
    """A public report: its source, the attributes of one call, and its tokens with parts inside their whole."""

    name: str
    source: str
    attributes: dict[str, Value]
    expect: dict[str, int | None]


FILE = Path(__file__).parent / "public" / "tokens.json"
REPORTS = [TokenReport(**row) for row in json.loads(FILE.read_text("utf-8"))]


@pytest.fixture(scope="module")
def store() -> Loaded:
    """All reports, each in a trace of its own."""
    spans = [S(1, attributes=report.attributes, kind=3, trace=trace) for trace, report in enumerate(REPORTS, 1)]
    return loaded([("traces", body(*spans))])


@pytest.mark.parametrize(("trace", "report"), list(enumerate(REPORTS, 1)), ids=[report.name for report in REPORTS])
def test_tokens_of_a_public_report_lie_inside_their_whole(trace: int, report: TokenReport, store: Loaded) -> None:
    rows = store.rows(f"(SELECT {', '.join(report.expect)} FROM attempts WHERE trace_hex(trace_id) = '{trace:032x}')")
    assert rows == [report.expect], report.source
