"""What leaves the house as a file: tables in the forms that other programs read, the weekly cost attribution."""
