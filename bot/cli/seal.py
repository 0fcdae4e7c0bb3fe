"""`countersign seal` and the hand-over of sealing keys."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Annotated

import typer

from countersign.approvals.audit.notes import SigningKey, VerifierKey
from countersign.approvals.errors import ConfigurationError, UnavailableError
from countersign.approvals.ports import Moment
from countersign.approvals.store import checkpoints, open_store
from countersign.bot.cli.ledger import ledger, read_text
from countersign.bot.cli.options import database_url
from countersign.bot.cli.server import TOKEN_VARIABLE
from countersign.bot.clock import SystemClock
from countersign.bot.console import console, errors

KeyFile = Annotated[Path, typer.Option(help="The file with the sealing key.")]


def seal(
    server: Annotated[str, typer.Option(help="The URL of the server.")],
    key: KeyFile,
    state: Annotated[Path, typer.Option(help="Where it remembers what it has signed.")],
    every: Annotated[float, typer.Option(min=1, help="Seconds from one to the next.")] = 10.0,
    once: Annotated[bool, typer.Option("--once", help="Sign once, and end.")] = False,
) -> None:
    """Sign the checkpoints of a server elsewhere: it needs no database, and the server no key.

    COUNTERSIGN_TOKEN is the token of somebody in `people`. It ends with exit status 1 as soon as
    the ledger is no continuation of what it has signed.
    """
    import httpx  # as in `bot.cli.actions`

    from countersign.bot.audit.sealer import TIMEOUT_S, Sealer

    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise ConfigurationError([f"set {TOKEN_VARIABLE} to the token of somebody in `people`."])
    signing = SigningKey.parse(read_text(key))
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=server, headers=headers, timeout=TIMEOUT_S) as client:
        sealer = Sealer(client, signing, state)
        while True:
            try:
                if (signed := sealer.seal()) is not None:
                    console.print(f"signed: {signed.size} leaves", highlight=False)
            except UnavailableError as exc:
                if once:
                    raise
                errors.print(f"countersign: {exc}", markup=False, soft_wrap=True)
            if once:
                return
            time.sleep(every)


@ledger.command("rotate")
def rotate(
    old: Annotated[Path, typer.Option(help="The file with the key that signs until now.")],
    new: Annotated[str, typer.Option(help="The public key that signs from now on.")],
) -> None:
    """Let a sealing key give way to another, in its own words and on the governance ledger."""
    before, after = SigningKey.parse(read_text(old)), VerifierKey.parse(new)

    async def work() -> int:
        async with open_store(database_url()) as store:
            moment = Moment(SystemClock().now())
            return await store.unit(lambda unit: checkpoints.give_way(unit, before, after), moment)

    size = asyncio.run(work())
    console.print(
        f"{before.verifier} has given way at {size} leaves; give the servers the new key",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
