"""Everything that goes into files and comes back from them."""
