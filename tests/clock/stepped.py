"""A collector on a machine whose clock is ahead by as many seconds as a file says, whenever it says so."""

import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from controlsurface.clock import SteadyClock, wall
from controlsurface.collector import __main__ as collector
from controlsurface.collector import engine


def shown(file: Path) -> datetime:
    return wall() + timedelta(seconds=int(file.read_text() or 0))


if __name__ == "__main__":
    vars(engine)["SteadyClock"] = partial(SteadyClock, wall=partial(shown, Path(sys.argv[1])))
    collector.ended(collector.main(sys.argv[2:]))
