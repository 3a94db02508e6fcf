"""The window, its pages and its commands."""
