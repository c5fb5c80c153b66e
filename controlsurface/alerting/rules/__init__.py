"""Rule files: their schema, how they are found and read, the templates of their texts, and how a threshold in them is edited."""
