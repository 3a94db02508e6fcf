"""PhiScope's engine: adapters in, subspace similarities and their files out. No Qt, no printing."""

__version__ = "0.1.0"
