"""A message of the bot into a conversation that it knows, from the command line."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, select

from countersign.approvals.errors import NotFoundError
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import Conversation
from countersign.approvals.store import conversations as rows
from countersign.approvals.store import open_reader
from countersign.approvals.store.schema import conversations
from countersign.bot.cli.options import database_url
from countersign.bot.teams.adapter import TeamsAdapter
from countersign.bot.teams.messages import Text
from countersign.bot.teams.system import SYSTEM

CHANNELS = ("msteams", "emulator", "webchat")
LISTED = 20


async def post(name: str, words: str, config: Path | None) -> None:
    """Say it, as plain text. Raises NotFoundError with the conversations that are known, and as
    `TeamsAdapter.send`."""
    from countersign.bot.audit.people_places import section_of

    settings, local = section_of(SYSTEM, config)
    async with open_reader(database_url()) as reader:
        known = await reader.read(lambda c: _found(c, name))
    async with TeamsAdapter(settings, local=local, host="127.0.0.1") as adapter:
        await adapter.send(known.reference, Text(words, markdown=False))


def _found(connection: Connection, name: str) -> Conversation:
    for channel in CHANNELS:
        known = rows.get(connection, f"{channel}:{name}")
        if known is not None:
            return known
    shared = select(conversations.c.key).where(conversations.c.kind != "personal").limit(LISTED)
    keys = [str(key).partition(":")[2] for key in connection.execute(shared).scalars()]
    listed = "; ".join(visible(key) for key in keys) or "none, add the app to one"
    raise NotFoundError(
        f"teams:{name}: the bot is in no such conversation. Group chats and channels that it "
        f"knows: {listed}."
    )
