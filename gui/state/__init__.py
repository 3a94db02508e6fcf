"""What is open and known, and the thread that computes it."""
