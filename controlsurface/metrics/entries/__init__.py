"""The catalogue's entries, a module a group."""
