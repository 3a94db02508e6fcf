"""The commands that run without a display."""

from engine.commands.export import run_export
from engine.commands.inspect import run_inspect

__all__ = ["run_export", "run_inspect"]
