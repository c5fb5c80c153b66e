"""The border of every HTTP server of ours: whom it serves, under which names, how often, and with which headers."""
