"""The command line: `countersign --help`.

Of a server only its own command is imported: all others, and what draws their tables, were a
twentieth of its start.
"""

from __future__ import annotations

import importlib
import sys

import typer

from countersign.bot.importing import nothing_collected

SERVE = "serve"


def _commands() -> typer.Typer:
    """Those that the arguments need."""
    with nothing_collected():
        if sys.argv[1:2] != [SERVE]:
            from countersign.bot.cli.commands import app

            return app
        _without_rich("structlog")
        from countersign.bot.cli.serve import app as alone

        return alone


def _without_rich(name: str) -> None:
    """Import a module that would import rich if it could. structlog does, for tracebacks with local
    variables; what a server writes has none (`observability.logs`). Others may import it."""
    if name in sys.modules or "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # so `import rich` raises ImportError
    try:
        importlib.import_module(name)
    finally:
        del sys.modules["rich"]


def main() -> None:
    """Run a command; what goes wrong is one clear message and exit status 1."""
    commands = _commands()
    from countersign.approvals.errors import ConfigurationError, CountersignError

    try:
        commands()
    except CountersignError as exc:
        from countersign.bot.console import errors

        problems = exc.problems if isinstance(exc, ConfigurationError) else [str(exc)]
        for problem in problems:
            errors.print(f"countersign: {problem}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
