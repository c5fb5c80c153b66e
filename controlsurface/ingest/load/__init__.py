"""Journal records become rows: decoded, translated, deduplicated, derived, each once."""
