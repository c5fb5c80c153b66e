"""A model without a lane gets one while the server runs: in the file, for new spans, and for what is stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest

from controlsurface.client.queries.lane_queries import AssignLane
from controlsurface.collector.ingest_engine import IngestEngine, running_engine
from controlsurface.config import load_config
from controlsurface.errors import BadRequest, ConfigError
from controlsurface.ingest.wire.otlp_request import RequestBody
from controlsurface.lanes.lane_assignment import LaneAssignment
from tests.ingest.spans import body, call, route

FILE = """
[lanes.small]
models = ["slm-*"]

[lanes.large]
escalation = true

[writer]
max_rows = 4
max_delay = "1ms"
"""


@contextmanager
def started(folder: Path) -> Iterator[IngestEngine]:
    file = folder / "ours.toml"
    if not file.exists():
        file.write_text(FILE, "utf-8")
    with running_engine(folder / "data", load_config(file), file) as engine:
        yield engine


def send(engine: IngestEngine, *traces: int, model: str = "openai/New-1") -> None:
    for trace in traces:
        spans = body(route(1, trace=trace), call(2, 1, model, at=trace, trace=trace))
        engine.intake.take(RequestBody("traces", spans))
    assert engine.writer.drain()


def lanes(engine: IngestEngine) -> list[tuple[str, bool | None]]:
    found = engine.store.state("SELECT lane, escalated FROM requests UNION ALL SELECT lane, escalated FROM attempts")
    return [(row["lane"], row["escalated"]) for row in found.to_pylist()]


def test_stored_and_new_requests_follow_a_lane_assignment_and_the_change_is_an_event(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        send(engine, *range(1, 6))
        assert {*lanes(engine)} == {("unknown", None)}
        engine.reader().execute(AssignLane(LaneAssignment(model="new-1", lane="large")))
        send(engine, 6)
        assert lanes(engine) == [("large", True)] * 12
        assert engine.store.state("SELECT title FROM events")["title"].to_pylist() == ["new-1 into lane large"]
    assert load_config(tmp_path / "ours.toml").lanes["large"].models == ("new-1",)


def test_a_crash_during_a_lane_assignment_forgets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlsurface.collector.lane_manager.REASSIGN_TIMEOUT_S", 0)
    with started(tmp_path) as engine:
        send(engine, 1, 2, 3)
        # The process ends before the writer comes to it.
        monkeypatch.setattr(engine.writer, "between", lambda _: Event())
        engine.reader().execute(AssignLane(LaneAssignment(model="new-1", lane="small")))
        assert {*lanes(engine)} == {("unknown", None)}
    monkeypatch.undo()
    with started(tmp_path) as engine:
        engine.lanes.claim(LaneAssignment(model="other", lane="small"))  # its answer comes once nothing waits
        assert lanes(engine) == [("small", False)] * 6


def test_a_configuration_file_that_cannot_be_written_changes_no_lane(tmp_path: Path) -> None:
    with started(tmp_path) as engine:
        engine.lanes.file = tmp_path / "no such folder" / "ours.toml"
        with pytest.raises(ConfigError, match=r"ours\.toml: cannot be written: .*the lanes stay as they were"):
            engine.reader().execute(AssignLane(LaneAssignment(model="new-1", lane="small")))
        send(engine, 1)
        assert {*lanes(engine)} == {("unknown", None)}
        assert not engine.store.state("FROM events").num_rows


def test_a_model_name_that_is_only_a_prefix_is_refused(tmp_path: Path) -> None:
    with started(tmp_path) as engine, pytest.raises(BadRequest, match="without its provider prefix"):
        engine.reader().execute(AssignLane(LaneAssignment(model="openai/", lane="small")))
