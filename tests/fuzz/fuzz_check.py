"""Search for bytes that the wire checks or the decoder do not stand.

Run as `python tests/fuzz/fuzz_check.py -max_total_time=600`; further options are libFuzzer's.
"""

import sys
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import atheris  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

with atheris.instrument_imports(include=["controlsurface"]):
    from google.protobuf.message import DecodeError

    from controlsurface.ingest.wire.otlp_request import EXPORT_REQUESTS, SIGNALS
    from tests.fuzz.mutate import change
    from tests.fuzz.properties import a_body_is_refused_or_kept_whole_clean_and_readable, seeds


def corpus() -> Path:
    """The captures, as libFuzzer reads them."""
    folder = Path(mkdtemp(prefix="fuzz-check-"))
    for number, seed in enumerate(seeds()):
        for policy in range(3):
            (folder / f"{number}-{policy}").write_bytes(bytes([seed[0] + 6 * policy]) + seed[1:])
    return folder


def mutated(data: bytes, max_size: int, seed: int) -> bytes:
    """Half of the time a change that keeps protobuf protobuf, since noise alone seldom passes the decoder."""
    dice = Random(seed)
    noise: bytes = atheris.Mutate(data, max_size)
    if not data or dice.random() < 0.5:
        return noise
    try:
        message = EXPORT_REQUESTS[SIGNALS[data[0] % 3]].FromString(data[1:])
    except DecodeError:
        return noise
    for _ in range(dice.randint(1, 4)):
        change(message, dice, lambda value: atheris.Mutate(value, len(value) + 8))
    return (data[:1] + message.SerializeToString())[:max_size]


if __name__ == "__main__":
    atheris.Setup(
        [*sys.argv, str(corpus())], a_body_is_refused_or_kept_whole_clean_and_readable, custom_mutator=mutated
    )
    atheris.Fuzz()
