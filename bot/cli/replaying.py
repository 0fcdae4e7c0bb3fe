"""`countersign ledger replay SESSION`: the story of a session, from its ledger alone."""

from __future__ import annotations

import typer
from rich.markup import escape

from countersign.approvals.forms.wording import visible
from countersign.bot.audit.story_lines import lines
from countersign.bot.cli.options import Json
from countersign.bot.cli.records import auditing
from countersign.bot.console import console, errors, show_json


def replay(session: str, as_json: Json = False) -> None:
    """Print the whole story of a session, rebuilt from its ledger alone. Exit status 1 if the
    ledger does not verify: then it is still printed."""
    found, verification = auditing(lambda trail: trail.replay(session))
    if as_json:
        show_json(found.model_dump(mode="json"))
    else:
        for line in lines(found):
            console.print(escape(visible(line)), highlight=False, soft_wrap=True)
    for problem in verification.problems:
        errors.print(escape(visible(problem)), highlight=False, soft_wrap=True)
    if not verification.verified:
        errors.print("NOT verified: do not rely on this story.", markup=False)
        raise typer.Exit(1)
