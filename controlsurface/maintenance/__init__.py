"""What runs by itself on the store: roll-ups are computed, and what is too old is removed."""
