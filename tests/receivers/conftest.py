"""A receiver's parts as they run, without a store behind them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from controlsurface.config import Auth, Config, Content
from controlsurface.ingest import conventions
from controlsurface.ingest.counters import Counters
from controlsurface.ingest.grpc import GrpcReceiver
from controlsurface.ingest.http import HttpReceiver
from controlsurface.ingest.intake import Intake
from controlsurface.ingest.journal import Journal
from controlsurface.ingest.prompts import Prompts
from controlsurface.ingest.segment import Position, Record

VOCABULARIES = conventions.load(Config()).vocabularies


@dataclass(frozen=True)
class Site:
    """Everything between a socket and the journal."""

    journal: Journal
    counters: Counters
    intake: Intake
    http: str
    grpc: str

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

        def open_site(config: Config) -> Site:
            journal = Journal(tmp_path / "journal", config.journal)
            ends.callback(journal.close)
            counters = Counters()
            intake = Intake(journal, counters, config, policy(config.content))
            ends.callback(intake.close)
            receivers = HttpReceiver(intake, config, "127.0.0.1", 0), GrpcReceiver(intake, config, "127.0.0.1", 0)
            ports = [receiver.start() for receiver in receivers]
            for receiver in receivers:
                ends.callback(receiver.stop, 2)
            return Site(journal, counters, intake, f"http://127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}")

        yield open_site


@pytest.fixture
def site(opened: Callable[[Config], Site]) -> Site:
    return opened(Config())


@pytest.fixture
def guarded(opened: Callable[[Config], Site]) -> Site:
    return opened(Config(auth=Auth(token="open sesame")))
