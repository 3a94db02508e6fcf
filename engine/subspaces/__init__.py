"""Singular directions of modules and their overlaps, by NumPy or on a GPU."""
