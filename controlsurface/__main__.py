"""`python -m controlsurface` is the command."""

from controlsurface.cli import main

main()
