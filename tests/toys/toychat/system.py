"""Toy Chat as the product knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from countersign.approvals.errors import ConfigurationError
from countersign.connectors.secrets import EnvSecret, EnvSecrets, Section, named
from countersign.connectors.system import Deployment, Inbound, Opened, Route, System
from tests.toys.toychat.answers import Answers
from tests.toys.toychat.channel import NAME, ToyChannel

PATH = f"/webhooks/{NAME}"
TIMEOUT_S = 10.0


class ToyChatSettings(Section):
    """The section `connectors.toychat`. In the file secrets stand as names of variables:
    `token_env`, `webhook_secret_env`."""

    url: str
    token: EnvSecret = named("token")
    """As which we post."""
    webhook_secrets: EnvSecrets = named("webhook_secret", "webhook_secrets", min_length=1)
    """With which the service signs; several while one is replaced by the next."""


@asynccontextmanager
async def _open(settings: ToyChatSettings, deployment: Deployment) -> AsyncIterator[Opened]:
    headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
    secrets = [secret.get_secret_value() for secret in settings.webhook_secrets]

    @asynccontextmanager
    async def listen(inbound: Inbound) -> AsyncIterator[Sequence[Route]]:
        answers = Answers(secrets, deployment, inbound)
        yield (Route("POST", PATH, answers.pressed),)

    async def self_test(url: str) -> None:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as stranger:
            answer = await stranger.post(f"{url}{PATH}", content=b"{}")
        if answer.status_code != httpx.codes.UNAUTHORIZED:
            raise ConfigurationError([f"{url}{PATH}: takes what nobody has signed."])

    async with httpx.AsyncClient(
        base_url=settings.url, headers=headers, timeout=TIMEOUT_S, trust_env=False
    ) as http:
        channel = ToyChannel(http, deployment.directory, deployment.links)
        yield Opened(channel, listen=listen, self_test=self_test)


SYSTEM = System(name=NAME, words="Toy Chat", identity=NAME, settings=ToyChatSettings, open=_open)
