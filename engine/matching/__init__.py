"""Which modules of two adapters correspond, which of them are chosen, and why others are not."""
