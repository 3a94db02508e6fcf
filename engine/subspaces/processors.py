"""How the processors are shared out: a module to each, its products on that one alone (docs/decisions/0005)."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext

# What the libraries that NumPy may be built on read when they are loaded.
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_is_held = False


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def hold_products_to_one_processor() -> None:
    """Have every product of this process made on one processor, for good; to be called before NumPy is loaded.

    For programs that import in one thread while they compare in another: threadpoolctl asks the system for its
    libraries, which an import changes. Each then waits for what the other holds, and the program stands still.
    """
    global _is_held  # noqa: PLW0603 - as the environment is
    _is_held = True
    for name in _THREADS:
        os.environ[name] = "1"


def products_on_one_processor() -> AbstractContextManager[object]:
    """A context in which every product is made on one processor."""
    if _is_held:
        return nullcontext()
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - the window does without it

    limits: AbstractContextManager[object] = threadpool_limits(1, "blas")
    return limits
