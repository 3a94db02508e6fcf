"""PhiScope's window. Knows the engine; the engine does not know it."""
