"""What calls cost: the price book, and the arithmetic that applies it."""
