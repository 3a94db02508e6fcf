"""The commands that run without a display, the only place that prints; and the way from a comparison to its command.

A command is a file with `add_arguments` and `run` (Command), and a line in table.py.
"""
