"""One click on the Data page gives a model its lane."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controlsurface.collector.ingest_engine import IngestEngine, running_engine
from controlsurface.config import Config, load_config
from controlsurface.ingest.wire.otlp_request import RequestBody
from tests.ingest.spans import body, call, route
from tests.serving import serving
from tests.ui.conftest import Open
from tests.ui.test_pages import html

THEN = {"range": "custom", "from": "2026-11-18T00:00", "to": "2026-11-19T00:00"}  # when tests.ingest.spans happen


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[IngestEngine]:
    with running_engine(tmp_path / "data", Config(), tmp_path / "ours.toml") as parts:
        parts.intake.take(RequestBody("traces", body(route(1), call(2, 1, "acme/never-met"))))
        assert parts.writer.drain()
        yield parts


def test_a_lane_button_writes_the_lane_and_the_model_leaves_the_list(
    opened: Open, engine: IngestEngine, tmp_path: Path
) -> None:
    with serving(engine.reader()) as url:
        app = opened(url, "data.py", **THEN)
        assert "never-met" in html(app)
        app.button(key="claim never-met large").click().run()
    assert app.success[0].value.startswith("never-met is in lane large")
    assert "cs-claim" not in html(app)
    assert load_config(tmp_path / "ours.toml").lanes["large"].models[-1] == "never-met"


def test_a_failed_lane_button_says_why_and_leaves_the_list(opened: Open, engine: IngestEngine, tmp_path: Path) -> None:
    engine.lanes.file = tmp_path / "no folder" / "ours.toml"
    with serving(engine.reader()) as url:
        app = opened(url, "data.py", **THEN)
        app.button(key="claim never-met small").click().run()
    assert "cannot be written" in app.error[0].value
    assert "cs-claim" in html(app)


def test_assumed_lanes_are_said_on_the_overview_and_given_by_a_click(
    opened: Open, engine: IngestEngine, tmp_path: Path
) -> None:
    spans = [call(1, model=model, trace=trace) for trace, model in ((8, "gpt-5-mini"), (9, "claude-opus-4"))]
    engine.intake.take(RequestBody("traces", body(*spans)))
    assert engine.writer.drain()
    with serving(engine.reader()) as url:
        (said,) = (each.value for each in opened(url, **THEN).warning)
        app = opened(url, "data.py", **THEN)
        assert "1 calls, assumed large" in html(app)
        app.button(key="claim gpt-5-mini large").click().run()
        assert not app.warning
    assert said == (
        "Lanes are assumed (by list price): small = gpt-5-mini; large = claude-opus-4; unknown: never-met; "
        "assign them on the [Data page](data)."
    )
    lanes = load_config(tmp_path / "ours.toml").lanes
    assert (lanes["small"].models, lanes["large"].models) == ((), ("claude-opus-4", "gpt-5-mini"))
