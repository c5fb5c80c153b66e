"""Bills of providers, and how they differ from what calls were estimated to cost."""
