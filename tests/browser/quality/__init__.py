"""Reviews, plans and policies, made in a real browser."""
