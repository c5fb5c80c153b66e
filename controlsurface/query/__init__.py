"""What all queries share: arguments, points in time, dimensions, and SQL text with its parameters."""
