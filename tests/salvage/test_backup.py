"""What docs/operations.md says of backups: an older copy of the database catches up from the journal."""

import shutil
from pathlib import Path

from controlsurface.collector.ingest_engine import running_engine
from controlsurface.config import Config
from controlsurface.ingest.wire.otlp_request import RequestBody
from controlsurface.store.duckdb import STORE_FILE
from tests.ingest.otlp_bodies import span, traces


def send(data: Path, *numbers: int) -> int:
    """The spans that are stored after these are sent, each in a body of its own."""
    with running_engine(data, Config()) as engine:
        for number in numbers:
            engine.intake.take(
                RequestBody("traces", traces(span({"n": number}, own=number.to_bytes(8))).SerializeToString())
            )
        assert engine.writer.drain()
        return engine.store.state("FROM spans").num_rows


def test_an_older_copy_of_the_database_stores_the_rest_of_the_journal_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert send(data, 1, 2) == 2
    backup = shutil.copy(data / STORE_FILE, tmp_path)
    assert send(data, 3, 4, 5) == 5
    shutil.copy(backup, data / STORE_FILE)
    assert send(data, 6) == 6


def test_an_older_copy_of_the_whole_directory_takes_new_spans(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert send(data, 1, 2) == 2
    backup = shutil.copytree(data, tmp_path / "backup")
    assert send(data, 3) == 3
    shutil.rmtree(data)
    shutil.copytree(backup, data)
    assert send(data, 4) == 3
