"""A collector that may open few files: `python -m tests.serve.limited SOFT HARD FLAG...`."""

import resource
import sys

from controlsurface.collector.__main__ import main

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
    sys.exit(main(sys.argv[3:]))
