"""The time range and filters that pages show, and how an address spells them."""
