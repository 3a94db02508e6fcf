"""The commands by name, and how one is run: its words read, its failures said, its exit status."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, Protocol, cast

from engine.commands.saying import exit_status
from engine.plain_text import printable

# Each is loaded as it is run: NumPy, which all of them need, would hold up `--help` and the window.
COMMANDS = {
    "export": "engine.commands.export",
    "inspect": "engine.commands.inspect",
}


class Command(Protocol):
    """What the file of a command offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare what the command takes."""
        ...

    def run(self, arguments: argparse.Namespace) -> None:
        """Do what is asked, and say what came of it.

        Raises:
            ArgumentError: the arguments cannot be meant together.
            EngineError: it cannot be done.
        """
        ...


class Parser(argparse.ArgumentParser):
    """Quotes what was typed without what would command the terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def run_command(name: str, words: Sequence[str], program: str) -> int:
    """Run one of COMMANDS with the words that follow its name, as typed to `program`; the exit status.

    Raises:
        SystemExit: with 2 where the words are wrong, with 0 after `--help`.
    """
    command = cast(Command, import_module(COMMANDS[name]))
    parser = Parser(prog=f"{program} {name}")
    command.add_arguments(parser)
    arguments = parser.parse_args(words)
    try:
        return exit_status(command.run, arguments)
    except argparse.ArgumentError as error:
        parser.error(str(error))
