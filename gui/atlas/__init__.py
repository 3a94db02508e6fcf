"""All modules at once."""
