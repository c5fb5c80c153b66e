"""A receiver's parts as they run, without a store behind them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import pytest

from controlsurface.config import AuthConfig, Config, ContentConfig
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.ingest_counters import IngestCounters
from controlsurface.ingest.journal.journal import Journal
from controlsurface.ingest.journal.segment_file import JournalPosition, JournalRecord
from controlsurface.ingest.receivers.intake import Intake
from controlsurface.ingest.receivers.otlp_grpc import GrpcReceiver
from controlsurface.ingest.receivers.otlp_http import HttpReceiver
from controlsurface.ingest.translate import conventions
from controlsurface.ingest.validation.checker_process import InlineChecker
from controlsurface.web.refusal_counter import RefusalCounter

MOST_CONNECTIONS = 1000
VOCABULARIES = conventions.load_conventions(Config()).vocabularies


class Site:
    """Everything between a socket and the journal; a receiver listens from the first time its address is asked for."""

    def __init__(self, folder: Path, config: Config, ends: ExitStack) -> None:
        self._config, self._ends = config, ends
        self.journal = Journal(folder, config.journal)
        ends.callback(self.journal.close)
        self.counters = IngestCounters()
        self.intake = Intake(self.journal, self.counters, config, InlineChecker(policy(config.content)))
        ends.callback(self.intake.close)

    @cached_property
    def http(self) -> str:
        return f"http://127.0.0.1:{self._port(HttpReceiver)}"

    @cached_property
    def grpc(self) -> str:
        return f"127.0.0.1:{self._port(GrpcReceiver)}"

    def _port(self, kind: type[HttpReceiver] | type[GrpcReceiver]) -> int:
        receiver = kind(self.intake, self._config, "127.0.0.1", 0, RefusalCounter("otlp"), MOST_CONNECTIONS)
        port = receiver.start()
        self._ends.callback(receiver.stop, 2)
        return port

    def records(self) -> list[JournalRecord]:
        """All that was kept."""
        found: list[JournalRecord] = []
        while more := self.journal.read(found[-1].end if found else JournalPosition(0, 0), 1 << 20):
            found += more
        return found


def policy(content: ContentConfig) -> ContentPolicy:
    return ContentPolicy(content, VOCABULARIES)


@pytest.fixture
def nothing_kept() -> ContentPolicy:
    return policy(ContentConfig(store="none"))


@pytest.fixture
def all_kept() -> ContentPolicy:
    return policy(ContentConfig(store="all"))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[Config], Site]]:
    """Makes a site of a configuration."""
    with ExitStack() as ends:
        yield lambda config: Site(tmp_path / "journal", config, ends)


@pytest.fixture
def site(opened: Callable[[Config], Site]) -> Site:
    return opened(Config())


@pytest.fixture
def guarded(opened: Callable[[Config], Site]) -> Site:
    return opened(Config(auth=AuthConfig(token="open sesame")))
