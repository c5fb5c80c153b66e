"""Roll-ups: which are kept, and what of a window is read from them rather than from stored rows."""
