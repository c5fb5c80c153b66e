"""Copies of a data directory in a folder or bucket: made while it is served, each part once, proved when read back."""
