"""What two rules cost of a span's processor time: what is kept of a body, and which spans are model calls."""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from controlsurface.bench.otlp_bodies import body_template
from controlsurface.config import Config, ContentConfig
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.derive import rerun_evidence_step
from controlsurface.ingest.load.batch import BatchLoader, TimedBodies
from controlsurface.ingest.translate import conventions
from controlsurface.ingest.validation.validate import validate_body
from controlsurface.money.price_table import PriceBook, resolve_prices
from controlsurface.store.duckdb import DuckStore

ROUNDS = 5  # of which the quickest counts
_BODIES_PER_TRANSACTION = 28  # in one transaction: what a flood brings together

StoredContent = Literal["none", "all"]


@dataclass(frozen=True, slots=True)
class RuleCosts:
    """Processor microseconds a span.

    Of what `content.store` "none" does beyond "all", on bodies without prompts, where both keep the same; and of the
    statements that weigh which of a batch's spans are calls and which repeat others.
    """

    kept_list_us: float
    evidence_us: float


def measure_rule_costs(spans: int) -> RuleCosts:
    """Of bodies of about `spans` spans."""
    made = body_template(spans, time.time_ns(), prompts=False)
    bodies = [(made.body(number), time.time_ns()) for number in range(_BODIES_PER_TRANSACTION)]
    us = 1e6 / (made.spans * _BODIES_PER_TRANSACTION)
    plain = [body for body, _ in bodies]
    kept = _quickest(lambda: _check(plain, "none")) - _quickest(lambda: _check(plain, "all"))
    return RuleCosts(kept * us, _weigh_seconds(bodies) * us)


def _check(bodies: Sequence[bytes], store: StoredContent) -> float:
    prompts = ContentPolicy(ContentConfig(store=store), conventions.load_conventions(Config()).vocabularies)
    validate_body("traces", bodies[0], "protobuf", prompts)  # meets the keys
    began = time.process_time()
    for body in bodies:
        validate_body("traces", body, "protobuf", prompts)
    return time.process_time() - began


def _weigh_seconds(bodies: TimedBodies) -> float:
    """Seconds, once the bodies are stored and their tables are still there."""
    config = Config()
    loader = BatchLoader(
        conventions.load_conventions(config), config, lambda keys: resolve_prices(set(keys), PriceBook())
    )
    with (
        tempfile.TemporaryDirectory(prefix="controlsurface-bench-") as folder,
        closing(DuckStore.open(Path(folder))) as store,
        store.writing() as writing,
    ):
        loader.install(writing)
        loader.load(writing, loader.decode(bodies, []))
        return _quickest(lambda: _timed(lambda: rerun_evidence_step(writing)))


def _timed(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _quickest(seconds: Callable[[], float]) -> float:
    return min(seconds() for _ in range(ROUNDS))
