"""Where the adapters that come with the program lie."""

from __future__ import annotations

from pathlib import Path

DEMO_FOLDER = Path(__file__).resolve().parent.parent / "resources" / "demo"
DEMO_ADAPTERS = (DEMO_FOLDER / "r64_alpha8_seed0", DEMO_FOLDER / "r64_alpha8_seed1")
