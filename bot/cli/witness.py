"""`countersign witness`: a small server that has seen ledgers grow, and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from countersign.approvals.audit.cosignatures import witness_key
from countersign.approvals.audit.notes import SigningKey
from countersign.approvals.errors import InvalidError
from countersign.bot.cli.ledger import public_keys, read_text
from countersign.bot.clock import SystemClock
from countersign.bot.console import console


def witness(
    key: Annotated[Path, typer.Option(help="The file with the key; `ledger keygen` makes one.")],
    log: Annotated[
        list[str],
        typer.Option(help="The public key of a ledger, or a file with some; repeatable."),
    ],
    state: Annotated[Path, typer.Option(help="Where it remembers what it has seen.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 3980,
) -> None:
    """Cosign checkpoints of ledgers that only grow (C2SP tlog-witness). It needs no database; run
    it where nobody who runs the ledger can reach its file."""
    from countersign.bot.audit.witness import Witness
    from countersign.bot.audit.witness_server import serve

    signing = SigningKey.parse(read_text(key))
    ledgers = public_keys(log)
    if not ledgers:
        raise InvalidError("--log: name the public key of a ledger.")
    working = Witness(signing, ledgers, state, SystemClock().now)
    try:
        serve(working, host, port, lambda url: _ready(str(witness_key(signing)), url))
    finally:
        working.close()


def _ready(key: str, url: str) -> None:
    console.print(f"{key}\nlistens at {url}", markup=False, highlight=False, soft_wrap=True)
