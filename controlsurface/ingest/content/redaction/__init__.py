"""What personal data and secrets look like, by kind."""
