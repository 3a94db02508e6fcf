"""Products on one processor, by threadpoolctl or by the environment."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from engine.subspaces import processors
from tests.conftest import REPOSITORY

_PROGRAM = """
import sys
from engine.subspaces.processors import hold_products_to_one_processor, products_on_one_processor
hold_products_to_one_processor()
with products_on_one_processor():
    pass
assert "threadpoolctl" not in sys.modules and "numpy" not in sys.modules
import numpy
from threadpoolctl import threadpool_info
print({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"})
"""


def _threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_within_the_context_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "_is_held", False)
    assert np.ones(1).sum() == 1.0
    before = _threads()
    with processors.products_on_one_processor():
        assert _threads() == {1}
    assert _threads() == before


def test_for_good_and_without_a_look_at_the_loaded_libraries() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=REPOSITORY, env=os.environ | {"OPENBLAS_NUM_THREADS": "2"},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert said.stdout.strip() == "{1}"
