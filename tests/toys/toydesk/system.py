"""Toy Desk as the product knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import Field

from countersign.connectors.comments.vocabulary import ALL_LANGUAGES, ChangesWords, Languages
from countersign.connectors.secrets import EnvSecret, EnvSecrets, Section, named
from countersign.connectors.system import Deployment, Opened, System, open_tickets

NAME = "toydesk"


class ToyDeskSettings(Section):
    """The section `connectors.toydesk`. In the file secrets stand as names of variables:
    `token_env`, `webhook_secret_env`."""

    url: str
    account: str
    """Our own, which may decide nothing."""
    token: EnvSecret = named("token")
    webhook_secrets: EnvSecrets = named("webhook_secret", "webhook_secrets", default=())
    """Without one no webhook is believed: what people do is seen by the next poll."""
    poll_every_s: float = Field(default=30.0, ge=1, le=3600)
    languages: Languages = ALL_LANGUAGES
    changes_words: ChangesWords = ()


@asynccontextmanager
async def _open(settings: ToyDeskSettings, deployment: Deployment) -> AsyncIterator[Opened]:
    from tests.toys.toydesk.connector import ToyDeskConnector

    connector = ToyDeskConnector(settings, deployment.links)
    async with open_tickets(connector, deployment) as opened:
        yield opened


SYSTEM = System(name=NAME, words="Toy Desk", identity=NAME, settings=ToyDeskSettings, open=_open)
