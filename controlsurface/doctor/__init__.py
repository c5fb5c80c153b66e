"""Is everything as it should be? One finding a check; each says what to do."""
