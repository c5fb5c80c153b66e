"""A consistent copy of the database, made beside it by whoever owns it."""
