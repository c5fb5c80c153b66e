"""Whether the files that pages are made of are still those that this process was started with.

Python keeps a module that it has loaded and Streamlit reads the pages anew: after an update the two do not fit, and
neither may this dashboard and a collector of another version. Only a new start makes them fit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from controlsurface.shipped_paths import DASHBOARDS
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import html_tag

FileMark = tuple[int, int, int]  # of a file: when it was written, how long it is, which one it is


@dataclass(frozen=True, slots=True)
class FileSnapshot:
    """Files as they were when they were first looked at."""

    marks: dict[Path, FileMark | None]

    @classmethod
    def of(cls, paths: Iterable[Path]) -> "FileSnapshot":
        """These files as they are now."""
        return cls({path: _mark(path) for path in paths})

    def changed(self) -> bool:
        """Whether one of them is another file by now, or gone."""
        return any(_mark(path) != mark for path, mark in self.marks.items())


def stop_if_updated() -> None:
    """Say it in place of a page, and end the run there; nothing where all is as it was."""
    if FILES_AT_START.changed():
        states.empty_state(
            "Updated: start it again",
            "The files of Control Surface have changed since this dashboard was started. Restart "
            f"{html_tag('code', 'controlsurface serve')}; this page comes back with it. Nothing is lost: what was "
            "answered is on the disk, and senders keep the rest.",
        )
        st.stop()


def _mark(path: Path) -> FileMark | None:
    """What tells a file from the one that takes its place; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


FILES_AT_START = FileSnapshot.of([*DASHBOARDS.glob("*.py"), *Path(__file__).parents[1].rglob("*.py")])
