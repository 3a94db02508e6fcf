"""Where the adapters that come with the program lie."""

from __future__ import annotations

from gui.program.resources import RESOURCES

DEMO_FOLDER = RESOURCES / "demo"
DEMO_ADAPTERS = (DEMO_FOLDER / "r64_alpha8_seed0", DEMO_FOLDER / "r64_alpha8_seed1")
