"""The grid of panels, and what is read from it."""
