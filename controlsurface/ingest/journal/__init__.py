"""The append-only record of everything that was answered: segments on disk, and what of them is not stored yet."""
