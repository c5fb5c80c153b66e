"""A collector on a machine whose clock is ahead by as many seconds as a file says, whenever it says so."""

import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from controlsurface.clock import SteadyClock, wall_time
from controlsurface.collector import __main__ as collector
from controlsurface.collector import ingest_engine


def shown(file: Path) -> datetime:
    return wall_time() + timedelta(seconds=int(file.read_text() or 0))


if __name__ == "__main__":
    vars(ingest_engine)["SteadyClock"] = partial(SteadyClock, wall=partial(shown, Path(sys.argv[1])))
    collector.exit_now(collector.main(sys.argv[2:]))
