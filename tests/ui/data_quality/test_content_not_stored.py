"""What was not kept for being content is counted by key, into the store and onto the Data page."""

import tomllib
from pathlib import Path

from controlsurface.client.queries.ingest_queries import DroppedKeysQuery
from controlsurface.collector.ingest_engine import IngestEngine, running_engine
from controlsurface.config import Config, parse_config
from controlsurface.ingest.ingest_counters import MAX_PENDING_DROPPED_KEYS, OTHER_KEYS, IngestCounters
from controlsurface.ingest.wire.otlp_request import RequestBody
from controlsurface.ui import keep_configuration_lines
from tests.ingest.spans import body, call
from tests.serving import serving
from tests.ui.conftest import Open

QUESTION = body(call(1, acme__question="Where is my card?"), call(2, acme__question="And now?", acme__note="two words"))
THEN = {"range": "custom", "from": "2026-11-18T00:00", "to": "2026-11-19T00:00"}  # when tests.ingest.spans happen


def counts(engine: IngestEngine) -> dict[str, int]:
    return {row["key"]: row["n"] for row in engine.reader().run(DroppedKeysQuery()).rows.to_pylist()}


def test_counts_of_dropped_keys_are_stored_with_the_spans_and_outlive_the_process(tmp_path: Path) -> None:
    for round_ in (1, 2):
        with running_engine(tmp_path, Config(), apart=round_ == 2) as engine:
            engine.intake.take(RequestBody("traces", QUESTION))
            assert engine.writer.drain()
            assert counts(engine) == {"acme.question": 2 * round_, "acme.note": round_}
            assert engine.counters.dropped() == {}


def test_content_dropped_before_it_came_is_counted_too(tmp_path: Path) -> None:
    with running_engine(tmp_path, Config()) as engine:
        engine.intake.take(RequestBody("traces", body(call(1, acme__question="[dropped: 17 characters]"))))
        assert engine.writer.drain()
        assert counts(engine) == {"acme.question": 1}


def test_dropped_keys_that_wait_to_be_stored_are_bounded() -> None:
    counters = IngestCounters()
    for n in range(MAX_PENDING_DROPPED_KEYS + 5):
        counters.drop({f"k{n}": 2})
    waiting = counters.dropped()
    assert (len(waiting), waiting[OTHER_KEYS]) == (MAX_PENDING_DROPPED_KEYS + 1, 10)
    counters.drop({"k1": 1})
    counters.settle_dropped(waiting)
    assert counters.dropped() == {"k1": 1}


def test_the_data_page_says_which_keys_and_the_line_that_would_keep_them(opened: Open, tmp_path: Path) -> None:
    with running_engine(tmp_path, Config()) as engine:
        engine.intake.take(RequestBody("traces", QUESTION))
        assert engine.writer.drain()
        with serving(engine.reader()) as url:
            app = opened(url, "data.py", **THEN)
    assert not app.exception
    assert [block.value for block in app.code if "keep" in block.value] == [
        keep_configuration_lines(["acme.question", "acme.note"])
    ]


def test_the_configuration_line_keeps_the_dropped_keys_and_no_others() -> None:
    keys = ["acme.odd[1]", 'quoted"key', "acme.note"]
    kept = parse_config(tomllib.loads(keep_configuration_lines(keys)), "c.toml").content.keep
    assert kept == ("acme.odd[[]1]", 'quoted"key', "acme.note")
