"""What parts of ingest cost one core: decoding and inserting, rules on content and calls, redaction of prompts."""

import itertools
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pyarrow as pa

from controlsurface.bench.otlp_bodies import BodyTemplate, body_template
from controlsurface.config import Config, ContentConfig
from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.content.redact import REDACTION_STEPS, Redactor
from controlsurface.ingest.derive import rerun_evidence_step
from controlsurface.ingest.load.batch import BatchLoader, TimedBodies
from controlsurface.ingest.otlp.trace_decoder import decode_traces
from controlsurface.ingest.translate import conventions
from controlsurface.ingest.validation.checker_process import tune_memory
from controlsurface.ingest.validation.validate import validate_body
from controlsurface.money.price_book import PriceBook
from controlsurface.money.price_edition import PriceEdition
from controlsurface.money.price_resolver import PriceResolver
from controlsurface.store.duckdb import DuckStore

_SPANS_PER_TRANSACTION = 12_288  # spans in one transaction


def single_core_bound(template: BodyTemplate, seconds: float) -> float:
    """Spans a second of processor time, over about `seconds`."""
    wanted = conventions.load_conventions(Config()).wanted
    spent, spans = 0.0, 0
    with _temporary_store() as store:
        for bodies in _rounds(template, time.monotonic() + seconds):
            began = time.process_time()
            _insert(store, decode_traces(bodies, wanted).table, first=not spans)
            spent += time.process_time() - began
            spans += len(bodies) * template.spans
    return spans / spent


@contextmanager
def _temporary_store() -> Iterator[DuckStore]:
    """A store that is gone afterwards."""
    folders = tempfile.TemporaryDirectory(prefix="controlsurface-bench-")
    with folders as folder, closing(DuckStore.open(Path(folder))) as store:
        yield store


def _rounds(template: BodyTemplate, end: float) -> Iterator[list[tuple[bytes, int]]]:
    """Fresh bodies for one transaction after the other, at least once."""
    size = max(1, _SPANS_PER_TRANSACTION // template.spans)
    for start in itertools.count(0, size):
        yield [(template.body(number), time.time_ns()) for number in range(start, start + size)]
        if time.monotonic() >= end:
            return


def _insert(store: DuckStore, table: pa.Table, *, first: bool) -> None:
    with store.writing() as writing:
        writing.attach("decoded", table)
        if first:
            writing.execute("CREATE TABLE bound AS SELECT * FROM decoded")
        else:
            writing.execute("INSERT INTO bound BY NAME SELECT * FROM decoded")


ROUNDS = 15  # in turns, of which the quickest counts
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
    tune_memory()  # as the process that checks bodies does
    checks = [_checker(plain, store) for store in get_args(StoredContent)]
    kept, whole = map(min, zip(*([check() for check in checks] for _ in range(ROUNDS)), strict=True))
    return RuleCosts((kept - whole) * us, _weigh_seconds(bodies) * us)


def _checker(bodies: Sequence[bytes], store: StoredContent) -> Callable[[], float]:
    """Seconds of checking them, once their keys and values are known."""
    prompts = ContentPolicy(ContentConfig(store=store), conventions.load_conventions(Config()).vocabularies)

    def check() -> None:
        for body in bodies:
            validate_body("traces", body, "protobuf", prompts)

    check()
    return lambda: _timed(check)


def _weigh_seconds(bodies: TimedBodies) -> float:
    """Seconds, once the bodies are stored and their tables are still there."""
    config = Config()
    wanted = conventions.load_conventions(config)
    loader = BatchLoader(wanted, config, PriceResolver(PriceEdition(PriceBook()), config.limits.of("model")))
    with _temporary_store() as store, store.writing() as writing:
        loader.install(writing)
        loader.load(writing, loader.decode(bodies, []))
        return _quickest(lambda: _timed(lambda: rerun_evidence_step(writing)))


def _timed(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _quickest(seconds: Callable[[], float]) -> float:
    return min(seconds() for _ in range(ROUNDS))


SEED = 1
_WORDS = (
    "please summarise the call about invoice number 4711 of 2026-01-05 at 10:15, total 1,299.00 EUR; "
    "gpt-4o-mini answered in 1.25 s, token count: 128, and it reads as follows"
).split()
_PERSONAL = ("", "", "", " call +49 171 2345678", " mail a.b@example.org", " from 203.0.113.9")


def run_redaction_bench(megabytes: float) -> dict[str, float]:
    """Seconds of this thread, of all kinds together and of each."""
    text = _prompts(int(megabytes * 1_000_000))
    by_kind = {f"{kind}_s": _seconds(text, kind) for kind in REDACTION_STEPS}
    return {"all_s": _seconds(text, *REDACTION_STEPS), **by_kind}


def _prompts(size: int) -> str:
    """So many characters."""
    dice, lines, made = random.Random(SEED), [], 0  # noqa: S311 - a fixed text
    while made < size:
        lines.append(" ".join(dice.choices(_WORDS, k=14)) + dice.choice(_PERSONAL))
        made += len(lines[-1]) + 1
    return "\n".join(lines)


def _seconds(text: str, *kinds: str) -> float:
    """How long these take."""
    redactor, begun = Redactor([kind for kind in REDACTION_STEPS if kind in kinds]), time.thread_time()
    redactor.text(text)
    return round(time.thread_time() - begun, 3)
