"""What two rules cost of a span's processor time: what is kept of a body, and which spans are model calls."""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from controlsurface.bench.bodies import template
from controlsurface.config import Config, Content
from controlsurface.ingest import conventions
from controlsurface.ingest.batch import Bodies, Loader
from controlsurface.ingest.check import check
from controlsurface.ingest.derive import weigh_evidence
from controlsurface.ingest.prompts import Prompts
from controlsurface.money.prices import Book, resolve
from controlsurface.store.duckdb import DuckStore

ROUNDS = 5  # of which the quickest counts
_BODIES = 28  # in one transaction: what a flood brings together

Store = Literal["none", "all"]


@dataclass(frozen=True, slots=True)
class RuleCosts:
    """Processor microseconds a span.

    Of what `content.store` "none" does beyond "all", on bodies without prompts, where both keep the same; and of the
    statements that weigh which of a batch's spans are calls and which repeat others.
    """

    kept_list_us: float
    evidence_us: float


def rule_costs(spans: int) -> RuleCosts:
    """Of bodies of about `spans` spans."""
    made = template(spans, time.time_ns(), prompts=False)
    bodies = [(made.body(number), time.time_ns()) for number in range(_BODIES)]
    us = 1e6 / (made.spans * _BODIES)
    plain = [body for body, _ in bodies]
    kept = _quickest(lambda: _check(plain, "none")) - _quickest(lambda: _check(plain, "all"))
    return RuleCosts(kept * us, _weighing(bodies) * us)


def _check(bodies: Sequence[bytes], store: Store) -> float:
    prompts = Prompts(Content(store=store), conventions.load(Config()).vocabularies)
    check("traces", bodies[0], "protobuf", prompts)  # meets the keys
    began = time.process_time()
    for body in bodies:
        check("traces", body, "protobuf", prompts)
    return time.process_time() - began


def _weighing(bodies: Bodies) -> float:
    """Seconds, once the bodies are stored and their tables are still there."""
    config = Config()
    loader = Loader(conventions.load(config), config, lambda keys: resolve(set(keys), Book()))
    with (
        tempfile.TemporaryDirectory(prefix="controlsurface-bench-") as folder,
        closing(DuckStore.open(Path(folder))) as store,
        store.writing() as writing,
    ):
        loader.install(writing)
        loader.load(writing, loader.decode(bodies, []))
        return _quickest(lambda: _timed(lambda: weigh_evidence(writing)))


def _timed(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _quickest(seconds: Callable[[], float]) -> float:
    return min(seconds() for _ in range(ROUNDS))
