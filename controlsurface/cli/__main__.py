"""`python -m controlsurface.cli` is the command."""

from controlsurface.cli import main

main()
