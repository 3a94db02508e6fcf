"""PhiScope: how much two LoRA adapters share. Arguments → the window, or a command without one."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from engine import __version__
from engine.commands.table import COMMANDS, Parser, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    try:
        return _run(arguments)
    except KeyboardInterrupt:  # while the libraries are loaded
        return 130


def _run(arguments: Sequence[str] | None) -> int:
    _keep_streams_taken()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in COMMANDS:
        return run_command(given[0], given[1:], _program())
    options = _window_parser().parse_args(given)
    if options.install_desktop or options.uninstall_desktop:
        from gui.desktop import integration  # noqa: PLC0415 - needed here alone

        return integration.run(remove=options.uninstall_desktop)
    from gui.app import run  # noqa: PLC0415 - Qt, which `--help` and the commands do without

    export = partial(run_command, "export", program=_program())
    return run(options.adapters, export, demo=options.demo, fresh=options.fresh)


def _keep_streams_taken() -> None:
    """Put nothing in place of missing standard streams: the next file opened would take their numbers, and receive
    what libraries print."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _program() -> str:
    """What the user typed: `main.py`, or the installed command."""
    name = Path(sys.argv[0]).stem
    return name if name.startswith("phiscope") else "main.py"


def _window_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog=_program(),
        description="Compare what two LoRA adapters learned: the LoRA paper's subspace similarity φ, layer by layer.",
        epilog=f"Without a display: '{_program()} export FIRST SECOND --out DIR' and '{_program()} inspect ADAPTER' "
        "(each with --help).",
    )
    parser.add_argument(
        "adapters", nargs="*", metavar="ADAPTER", type=Path, help="one or two adapters: files or folders"
    )
    parser.add_argument("--demo", action="store_true", help="open the two adapters that come with the program")
    parser.add_argument("--fresh", action="store_true", help="do not open again what was open last")
    desktop = parser.add_mutually_exclusive_group()
    desktop.add_argument(
        "--install-desktop", action="store_true", help="put PhiScope into the menu of applications (Linux)"
    )
    desktop.add_argument("--uninstall-desktop", action="store_true", help="take it out of the menu again")
    parser.add_argument("--version", action="version", version=f"PhiScope {__version__}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
