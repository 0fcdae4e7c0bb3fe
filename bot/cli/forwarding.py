"""`countersign ledger forward`: entries go to a SIEM as they are sealed."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from countersign.approvals.errors import UnavailableError
from countersign.bot.audit.forwarding import forward as forward_to
from countersign.bot.audit.siem_formats import SiemFormat
from countersign.bot.audit.siem_targets import KINDS, target
from countersign.bot.cli.ledger import RedactOption, private_rules
from countersign.bot.cli.options import ConfigOption
from countersign.bot.cli.records import auditing
from countersign.bot.console import errors

TOKEN_VARIABLE = "COUNTERSIGN_SIEM_TOKEN"  # noqa: S105 - the name of a variable


def forward(
    to: Annotated[str, typer.Option(help=f"Where: {KINDS}.")],
    cursor: Annotated[Path, typer.Option(help="The file that remembers how far it has come.")],
    written: Annotated[SiemFormat, typer.Option("--format", help="As what.")] = SiemFormat.JSONL,
    every: Annotated[
        float | None, typer.Option(min=1, help="Go on, and look every so many seconds.")
    ] = None,
    redact: RedactOption = False,
    config: ConfigOption = None,
) -> None:
    """Forward what was sealed since the last time to a SIEM, at least once: the cursor moves when
    the other side has taken it, and an entry that is sent again has the same id."""
    send = target(to, written, os.environ.get(TOKEN_VARIABLE, "").strip() or None)
    private = private_rules(config) if redact else ()
    while True:
        try:
            count = auditing(lambda trail: forward_to(trail, send, cursor, private))
            if count:
                errors.print(f"{count} entries forwarded.", markup=False)
        except UnavailableError as exc:
            if every is None:
                raise
            errors.print(f"countersign: {exc}", markup=False, highlight=False, soft_wrap=True)
        if every is None:
            return
        time.sleep(every)
