"""Bodies through the real check, decoder, vocabularies, derivation and DuckDB, without sockets."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from controlsurface.config import Config, ContentConfig
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.load.batch import BatchLoader, BatchOutcome
from controlsurface.ingest.translate import conventions
from controlsurface.ingest.validation.validate import validate_body
from controlsurface.ingest.wire.otlp_request import Signal
from controlsurface.money.price_book import PriceBook
from controlsurface.money.price_edition import PriceEdition
from controlsurface.money.price_resolver import PriceResolver
from controlsurface.store.duckdb import DuckStore
from tests.lanes import LANED

CAPTURES = Path(__file__).parent.parent / "captures"
CONFIG = LANED
CONVENTIONS = conventions.load_conventions(CONFIG)


class NoPrices(PriceResolver):
    """Nothing has a price but what spans say."""

    def __init__(self, config: Config) -> None:
        super().__init__(PriceEdition(PriceBook(), config.costs.trust_spans), 0)


RECEIVED_NS = 1_795_300_000_000_000_000

Body = tuple[Signal, bytes]


class Loaded:
    """A store in memory, filled batch by batch."""

    def __init__(self, config: Config = CONFIG) -> None:
        self.store = DuckStore.in_memory()
        self.prompts = ContentPolicy(config.content, CONVENTIONS.vocabularies)
        self.loader = BatchLoader(CONVENTIONS, config, NoPrices(config))
        with self.store.writing() as writing:
            self.loader.install(writing)

    def load(self, bodies: Iterable[Body]) -> BatchOutcome:
        """One batch."""
        checked = [(signal, validate_body(signal, body, "protobuf", self.prompts).payload) for signal, body in bodies]
        traces = [(payload, RECEIVED_NS) for signal, payload in checked if signal == "traces"]
        logs = [(payload, RECEIVED_NS) for signal, payload in checked if signal == "logs"]
        with self.store.writing() as writing:
            return self.loader.load(writing, self.loader.decode(traces, logs))

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table in a stable order."""
        return sorted(self.store.state(f"SELECT * FROM {table}").to_pylist(), key=repr)

    def one(self, sql: str) -> dict[str, Any]:
        """The one row of a query."""
        return dict(self.store.state(sql).to_pylist()[0])


def capture(name: str) -> list[Body]:
    """All traces and logs of one captured run, in the order they were sent."""
    paths = sorted(path for path in CAPTURES.glob(f"{name}.*") if ".metrics" not in path.name)
    return [("logs" if ".logs" in path.name else "traces", protobuf(path)) for path in paths]


def protobuf(path: Path) -> bytes:
    """The body as protobuf, whatever the client sent."""
    if path.suffix == ".pb":
        return path.read_bytes()
    return validate_body("traces", path.read_bytes(), "json", ContentPolicy(ContentConfig(store="all"), ())).payload


def loaded(*batches: Sequence[Body]) -> Loaded:
    """A store after these batches."""
    result = Loaded()
    for batch in batches:
        result.load(batch)
    return result
