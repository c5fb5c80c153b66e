"""What a receiver read off its socket."""

import math
from dataclasses import dataclass

from controlsurface import config
from controlsurface.ingest.wire.decompress import decompress_body
from controlsurface.ingest.wire.signals import Encoding, Signal


@dataclass(frozen=True, slots=True)
class RequestBody:
    """An OTLP request as sent; `limit` is in bytes, after undoing `coding`.

    Its sender waits `patience_s` for the answer and then sends it again, so later the work would be done twice.
    """

    signal: Signal
    data: bytes
    encoding: Encoding = "protobuf"
    coding: str = "identity"
    limit: int = 64 * config.MIB
    patience_s: float = math.inf

    def plain(self) -> bytes:
        """The data as they were before `coding`. Raises BadBody, TooLarge."""
        return decompress_body(self.data, self.coding, self.limit)
