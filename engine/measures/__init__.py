"""What is made of overlaps: φ, its views and summaries, and what chance would give."""
