"""`controlsurface backup`, `restore` and `verify`."""
