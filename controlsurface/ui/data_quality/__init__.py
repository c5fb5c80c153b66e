"""The Data page: what was received, what spans state, and what is stored for how long."""
