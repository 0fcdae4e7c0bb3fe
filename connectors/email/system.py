"""E-mail as the product knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from countersign.connectors.email.channel import EmailChannel
from countersign.connectors.email.letter import NAME
from countersign.connectors.email.relay import Relay
from countersign.connectors.email.settings import EmailSettings, problems
from countersign.connectors.system import Deployment, Opened, System


@asynccontextmanager
async def _open(settings: EmailSettings, deployment: Deployment) -> AsyncIterator[Opened]:
    yield Opened(EmailChannel(settings, Relay(settings), deployment))


SYSTEM = System(
    name=NAME,
    words="e-mail",
    identity=NAME,
    settings=EmailSettings,
    open=_open,
    problems=problems,
)
