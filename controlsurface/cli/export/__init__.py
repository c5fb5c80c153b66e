"""Commands about what leaves and comes back: bills against estimates."""
