"""The lanes in force, and the file in which a click changes them."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from controlsurface.atomic_file import atomic_replacement
from controlsurface.config import Config, LaneConfig
from controlsurface.errors import BadRequest, ConfigError
from controlsurface.ingest.load import lane_inference, rederive_spans
from controlsurface.ingest.load.store_writer import StoreWriter
from controlsurface.lanes.lane_assignment import LaneAssignment, assign_in_config
from controlsurface.metrics.queries.event_query import ChangeEvent, insert_event
from controlsurface.store.duckdb import DuckStore
from controlsurface.store.named_query import StateSql

CONFIG_FILE = "controlsurface.toml"  # in the current directory, as every command looks for it
REASSIGN_TIMEOUT_S = 5  # for stored calls to follow: most stores need less, the rest goes on behind the answer


@dataclass
class LaneManager:
    """One change at a time: the file, the derivation of new spans and an event together, then what is stored."""

    store: DuckStore
    writer: StoreWriter
    config: Config
    file: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def in_force(self) -> dict[str, LaneConfig]:
        """The lanes, with the models that the configuration, or else their list prices, put into them."""
        lanes = self.config.lanes
        return lane_inference.lanes_with_inferred_models(lanes, self.store) if self.config.lanes_assumed else lanes

    def claim(self, claim: LaneAssignment) -> None:
        """Put a model into a lane. Raises BadRequest, UnknownName, and ConfigError where the file cannot be changed."""
        model = rederive_spans.lane_model_name(self.store, claim.model)
        if not model:
            raise BadRequest(f"model: '{claim.model}' has no name without its provider prefix")
        with self._lock:
            text, config = assign_in_config(_read(self.file), str(self.file), model, claim.lane, self.in_force())
            event = _event(model, claim, self.file)
            with self.store.writing() as writing:
                lane_inference.end_lane_inference(writing)
                rederive_spans.request_reassignment(writing, config.lanes, [model])
                writing.execute(*event)
                _replace(self.file, text)  # the last: where it fails, nothing has changed
                self.writer.lanes_written()
            self.config = self.config.model_copy(update={"lanes": config.lanes})
        self.writer.between(rederive_spans.reassign_step).wait(REASSIGN_TIMEOUT_S)


def _event(model: str, claim: LaneAssignment, file: Path) -> StateSql:
    """The change as the charts show it."""
    title, detail = f"{model[:60]} into lane {claim.lane[:20]}", f"written to {file}"[:1000]
    event = ChangeEvent(at=datetime.now(UTC), kind="config", title=title, detail=detail, source=claim.source)
    return insert_event(event)


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
        with atomic_replacement(file, 0o644) as draft:
            draft.write_text(text, "utf-8")
    except OSError as problem:
        raise ConfigError(f"{file}: cannot be written: {problem.strerror}; the lanes stay as they were") from None
