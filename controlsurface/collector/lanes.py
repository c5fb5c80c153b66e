"""The lanes in force, and the file in which a click changes them."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from controlsurface.config import Config, Lane
from controlsurface.errors import BadRequest, ConfigError
from controlsurface.ingest import assuming, relane
from controlsurface.ingest.claims import claimed
from controlsurface.ingest.writer import Writer
from controlsurface.metrics.claims import Claim
from controlsurface.metrics.events import Event, told
from controlsurface.replacement import replacement
from controlsurface.store.duckdb import DuckStore
from controlsurface.store.named_query import StateSql

FILE = "controlsurface.toml"  # in the current directory, as every command looks for it
PATIENCE_S = 5  # for stored calls to follow: most stores need less, the rest goes on behind the answer


@dataclass
class Lanes:
    """One change at a time: the file, the derivation of new spans and an event together, then what is stored."""

    store: DuckStore
    writer: Writer
    config: Config
    file: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def in_force(self) -> dict[str, Lane]:
        """The lanes, with the models that the configuration, or else their list prices, put into them."""
        lanes = self.config.lanes
        return assuming.filled(lanes, self.store) if self.config.lanes_assumed else lanes

    def claim(self, claim: Claim) -> None:
        """Put a model into a lane. Raises BadRequest, UnknownName, and ConfigError where the file cannot be changed."""
        model = relane.name_of(self.store, claim.model)
        if not model:
            raise BadRequest(f"model: '{claim.model}' has no name without its provider prefix")
        with self._lock:
            text, config = claimed(_read(self.file), str(self.file), model, claim.lane, self.in_force())
            event = _event(model, claim, self.file)
            with self.store.writing() as writing:
                assuming.end(writing)
                relane.ask(writing, config.lanes, [model])
                writing.execute(*event)
                _replace(self.file, text)  # the last: where it fails, nothing has changed
                self.writer.lanes_written()
            self.config = self.config.model_copy(update={"lanes": config.lanes})
        done = threading.Event()
        self.writer.between(relane.steps(done))
        done.wait(PATIENCE_S)


def _event(model: str, claim: Claim, file: Path) -> StateSql:
    """The change as the charts show it."""
    title = f"{model[:60]} into lane {claim.lane[:20]}"
    at = datetime.now(UTC)
    return told(Event(at=at, kind="config", title=title, detail=f"written to {file}"[:1000], source=claim.source))


def _read(file: Path) -> str:
    """What the file says; nothing where there is none yet."""
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"{file}: {problem}") from None


def _replace(file: Path, text: str) -> None:
    """Write the whole file or nothing, with the rights it had. Raises ConfigError naming what keeps us from it."""
    try:
        with replacement(file, 0o644) as draft:
            draft.write_text(text, "utf-8")
    except OSError as problem:
        raise ConfigError(f"{file}: cannot be written: {problem.strerror}; the lanes stay as they were") from None
