"""A receiver's parts as they run, without a store behind them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import pytest

from controlsurface.config import Auth, Config, Content
from controlsurface.ingest import conventions
from controlsurface.ingest.checker import Here
from controlsurface.ingest.counters import Counters
from controlsurface.ingest.grpc import GrpcReceiver
from controlsurface.ingest.http import HttpReceiver
from controlsurface.ingest.intake import Intake
from controlsurface.ingest.journal import Journal
from controlsurface.ingest.prompts import Prompts
from controlsurface.ingest.segment import Position, Record

VOCABULARIES = conventions.load(Config()).vocabularies


class Site:
    """Everything between a socket and the journal; a receiver listens from the first time its address is asked for."""

    def __init__(self, folder: Path, config: Config, ends: ExitStack) -> None:
        self._config, self._ends = config, ends
        self.journal = Journal(folder, config.journal)
        ends.callback(self.journal.close)
        self.counters = Counters()
        self.intake = Intake(self.journal, self.counters, config, Here(policy(config.content)))
        ends.callback(self.intake.close)

    @cached_property
    def http(self) -> str:
        return f"http://127.0.0.1:{self._port(HttpReceiver(self.intake, self._config, '127.0.0.1', 0))}"

    @cached_property
    def grpc(self) -> str:
        return f"127.0.0.1:{self._port(GrpcReceiver(self.intake, self._config, '127.0.0.1', 0))}"

    def _port(self, receiver: HttpReceiver | GrpcReceiver) -> int:
        port = receiver.start()
        self._ends.callback(receiver.stop, 2)
        return port

    def records(self) -> list[Record]:
        """All that was kept."""
        found: list[Record] = []
        while more := self.journal.read(found[-1].end if found else Position(0, 0), 1 << 20):
            found += more
        return found


def policy(content: Content) -> Prompts:
    return Prompts(content, VOCABULARIES)


@pytest.fixture
def nothing_kept() -> Prompts:
    return policy(Content(store="none"))


@pytest.fixture
def all_kept() -> Prompts:
    return policy(Content(store="all"))


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
    return opened(Config(auth=Auth(token="open sesame")))
