"""Bodies as they come over the wire, before they are messages: signals, encodings, compression, and mended text."""
