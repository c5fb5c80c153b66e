"""All that commands write: text at once, rows with what it takes to write them."""
