"""Figures: which panel stands where, in which colours, and their drawing for papers."""
