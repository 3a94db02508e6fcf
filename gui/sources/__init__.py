"""Where adapters are opened, and modules chosen."""
