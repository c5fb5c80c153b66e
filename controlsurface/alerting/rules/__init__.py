"""Rule files: their schema, how they are found and read, the templates of their texts, how a threshold is edited."""
