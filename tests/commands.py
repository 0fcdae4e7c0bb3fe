"""The command line, whose seventy commands are built once in a process and not at each call."""

from __future__ import annotations

import functools

from typer import main as typer

build_once = functools.cache(typer.get_command)
"""Instead of `typer.main.get_command`: the same command for the same application. What is declared
by functions does not change, and to read it takes 60 ms of CPU, more than most commands do."""
