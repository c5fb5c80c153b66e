"""Search for bytes in a journal segment that are not repaired as they should be.

Run as `python tests/fuzz/fuzz_journal.py -max_total_time=600`; further options are libFuzzer's.
"""

import sys
from pathlib import Path
from tempfile import mkdtemp

import atheris  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

with atheris.instrument_imports(include=["controlsurface"]):
    from controlsurface.ingest.journal.segment_file import MAGIC, frame_record
    from tests.fuzz.properties import a_damaged_segment_gives_sound_records_or_is_refused


def corpus() -> Path:
    """A few whole segments."""
    folder = Path(mkdtemp(prefix="fuzz-journal-"))
    records = [frame_record("traces", b"x" * size, size, size) + b"x" * size for size in (0, 1, 40, 300)]
    for number in range(len(records) + 1):
        (folder / str(number)).write_bytes(MAGIC + b"".join(records[:number]))
    return folder


if __name__ == "__main__":
    atheris.Setup([*sys.argv, str(corpus())], a_damaged_segment_gives_sound_records_or_is_refused)
    atheris.Fuzz()
