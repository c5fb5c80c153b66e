"""Which attribute of which client fills which column: vocabularies, and their SQL."""
