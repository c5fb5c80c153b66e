"""`controlsurface gate`: stops a deployment."""
