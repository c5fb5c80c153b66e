"""The bar above pages, tabs, zoom and triage selection: what the address of a page holds."""
