"""Where the files that come with the program lie: in a checkout, in an installed wheel and in a bundle."""

from __future__ import annotations

from pathlib import Path

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
