"""Panels, tiles, tables and bars that several pages draw."""
