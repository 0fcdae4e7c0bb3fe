"""The terminal: where commands print, and JSON on stdout."""

from __future__ import annotations

import json
from typing import Any

import typer
from rich.console import Console

# `emoji=False`: rich draws a moon for somebody's `:moon:` even where it takes no markup.
console = Console(emoji=False)
errors = Console(stderr=True, emoji=False)


def show_json(value: Any) -> None:
    """One JSON value on stdout, nothing else, whatever the terminal's width. What a terminal obeys,
    or nobody sees, is written out by the rules of JSON."""
    typer.echo(json_text(value), nl=False)


def json_text(value: Any) -> str:
    """What `show_json` shows, with a newline at its end."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def finding(text: str, *, is_error: bool) -> None:
    """One thing that has to be put right, or that may be meant so, on one line."""
    mark = "[bold red]FIX[/]" if is_error else "[yellow]note[/]"
    console.print(f"{mark} ", end="")
    console.print(text, markup=False, highlight=False, soft_wrap=True)
