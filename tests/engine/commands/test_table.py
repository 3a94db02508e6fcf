"""The table of commands: what is in it is a command, and every command is in it."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import pytest

from engine import commands
from engine.commands import export, inspect
from engine.commands.table import COMMANDS, Command, run_command

_FITTING: tuple[Command, ...] = (export, inspect)  # mypy compares each with what a command offers


def test_every_file_that_is_a_command_is_in_the_table() -> None:
    names = [f"{commands.__name__}.{module.name}" for module in pkgutil.iter_modules(commands.__path__)]
    found = {name for name in names if hasattr(import_module(name), "add_arguments")}
    assert found == set(COMMANDS.values())
    assert len(_FITTING) == len(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_it_takes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run_command(name, ["--help"], "program")
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: program {name} ")
