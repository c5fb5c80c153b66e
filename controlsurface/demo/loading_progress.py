"""How much of the demo's history has been sent, in a file that the dashboard reads: 0 to 100 %."""

import os
from pathlib import Path

from controlsurface.atomic_file import atomic_replacement

PROGRESS_ENVIRONMENT = "CONTROLSURFACE_DEMO_PROGRESS"  # the file's path; not set where nothing is simulated
PROGRESS_FILE = "demo-progress"
DONE = 100


def write_progress(percent: int) -> None:
    """Say it, where somebody wants to know."""
    if path := os.environ.get(PROGRESS_ENVIRONMENT):
        with atomic_replacement(Path(path)) as draft:
            draft.write_text(f"{percent}\n", "ascii")


def loading_percent() -> int | None:
    """How much of the history is there, 0 before it begins; None where none is being loaded."""
    path = os.environ.get(PROGRESS_ENVIRONMENT)
    if not path:
        return None
    try:
        percent = int(Path(path).read_text("ascii"))
    except (OSError, ValueError):
        return 0
    return percent if percent < DONE else None
