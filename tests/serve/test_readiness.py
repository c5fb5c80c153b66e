"""What keeps bodies from being stored is said where readiness is asked for."""

from pathlib import Path

from controlsurface.collector.ingest_engine import running_engine
from controlsurface.config import Config


def test_a_writer_that_fails_is_a_reason_not_to_be_ready(tmp_path: Path) -> None:
    with running_engine(tmp_path, Config()) as engine:
        reader = engine.reader()
        assert reader.health() == ()
        engine.writer.failure = "IOException: no space left on device"
        assert reader.health() == ("IOException: no space left on device",)
        engine.writer.failure = None
