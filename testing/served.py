"""The application on a database of its own, served in a thread for the time of a test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countersign.bot.serving import serving
from countersign.bot.settings.file import load_settings
from countersign.bot.settings.sections import (
    DEFAULT_HOST,
    Mode,
    ProcessSettings,
    Settings,
)
from countersign.sandbox.openai.conversation import Conversation, Reply
from countersign.sandbox.openai.server import ScriptedModel
from countersign.testing.script import ModelScript

END_TIMEOUT_S = 60.0
FROM_ELSEWHERE = ("connectors", "links", "metrics", "public_url", "teams")
"""Sections about other systems, which a test has none of."""


@dataclass(frozen=True)
class Served:
    """Where it listens, and with which settings."""

    url: str
    settings: Settings
    requester: str
    """Whom `teams.local_requester` names; "" for nobody."""
    troubles: list[str]
    """What the script has raised so far."""


@contextmanager
def served(
    config: Path, *, script: ModelScript, folder: Path, settings: Mapping[str, Any]
) -> Iterator[Served]:
    """Serve the project of `config` with the scripted model; the database is in `folder`.

    `settings` are put over `workflows.settings`. People are asked in no other system, and their
    tokens are their ids. Raises ConfigurationError.
    """
    started: Future[tuple[Served, Callable[[], object]]] = Future()
    database = folder.absolute() / "countersign.db"
    troubles: list[str] = []

    def reply(conversation: Conversation) -> Reply:
        try:
            return script(conversation)
        except Exception as exc:
            troubles.append(f"{type(exc).__name__}: {exc}")
            raise

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with ScriptedModel.start(reply=reply) as model:
            requester = ""

            def adjust(document: dict[str, Any]) -> None:
                nonlocal requester
                requester = str((document.get("teams") or {}).get("local_requester") or "")
                _without_other_systems(document)
                document["model"] = {"provider": "scripted", "base_url": model.base_url}
                workflows = document.setdefault("workflows", {})
                workflows["settings"] = {**(workflows.get("settings") or {}), **settings}

            process = ProcessSettings(env=Mode.LOCAL, database_url=f"sqlite:///{database}")
            loaded = load_settings(config, process=process, adjust=adjust)
            async with serving(loaded, host=DEFAULT_HOST, port=0) as address:
                here = Served(address, loaded, requester, troubles)
                started.set_result((here, lambda: loop.call_soon_threadsafe(stop.set)))
                await stop.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as exc:
            if started.done():
                raise
            started.set_exception(exc)

    thread = threading.Thread(target=run, name="countersign")
    thread.start()
    here, stop = started.result()
    try:
        yield here
    finally:
        stop()
        thread.join(END_TIMEOUT_S)


def _without_other_systems(document: dict[str, Any]) -> None:
    """Nothing is asked or sent anywhere else, and no secret is needed."""
    for name in FROM_ELSEWHERE:
        document.pop(name, None)
    for person in document.get("people") or ():
        if isinstance(person, dict):
            person.pop("token_env", None)
            person["token"] = token(str(person.get("id")))
    policy = document.get("policy")
    for rule in (policy.get("tools") or {}).values() if isinstance(policy, dict) else ():
        if isinstance(rule, dict):
            rule.pop("channels", None)


def token(person: str) -> str:
    """With which a test speaks as somebody."""
    return f"local-token-{person}"
