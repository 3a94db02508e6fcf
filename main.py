"""PhiScope: how much two LoRA adapters share. Arguments → the window, or a command without one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from engine import __version__

_COMMANDS = ("export", "inspect")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in _COMMANDS:
        return _run_command(given[0], given[1:])
    options = _window_parser().parse_args(given)
    from gui.app import run  # noqa: PLC0415 - Qt, which `--help` and the commands do without

    return run(options.adapters, demo=options.demo, fresh=options.fresh)


def _window_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="Compare what two LoRA adapters learned: the LoRA paper's subspace similarity φ, layer by layer.",
        epilog="Without a display: 'main.py export FIRST SECOND --out DIR' and 'main.py inspect ADAPTER' "
        "(each with --help).",
    )
    parser.add_argument(
        "adapters", nargs="*", metavar="ADAPTER", type=Path, help="one or two adapters: files or folders"
    )
    parser.add_argument("--demo", action="store_true", help="open the two adapters that come with the program")
    parser.add_argument("--fresh", action="store_true", help="do not open again what was open last")
    parser.add_argument("--version", action="version", version=f"PhiScope {__version__}")
    return parser


def _run_command(name: str, arguments: Sequence[str]) -> int:
    from engine import command_line, commands  # noqa: PLC0415 - NumPy, which `--help` does without

    parser = argparse.ArgumentParser(prog=f"main.py {name}")
    if name == "export":
        command_line.export_arguments(parser)
        return commands.run_export(parser.parse_args(arguments))
    command_line.inspect_arguments(parser)
    return commands.run_inspect(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
