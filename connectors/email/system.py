"""E-mail as the product knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from countersign.approvals.errors import ConfigurationError
from countersign.connectors.email.answers import Answers
from countersign.connectors.email.channel import EmailChannel
from countersign.connectors.email.letter import NAME
from countersign.connectors.email.relay import Relay
from countersign.connectors.email.settings import EmailSettings, ImapSettings, problems
from countersign.connectors.email.webhook import PATH, MailWebhook
from countersign.connectors.system import Deployment, Inbound, Opened, Route, System

if TYPE_CHECKING:
    from countersign.connectors.email.mailbox import MailboxReader

TIMEOUT_S = 10.0
EXTRA = "connectors.email.imap: needs imap-tools; install countersign-approvals[imap]."


@asynccontextmanager
async def _open(settings: EmailSettings, deployment: Deployment) -> AsyncIterator[Opened]:
    reader = None if settings.imap is None else _reader(settings.imap)
    checks = () if reader is None else (reader.check,)
    channel = EmailChannel(settings, Relay(settings), deployment, checks)
    secrets = [secret.get_secret_value() for secret in settings.webhook_secrets]

    @asynccontextmanager
    async def listen(inbound: Inbound) -> AsyncIterator[Sequence[Route]]:
        answers = Answers(settings, channel, deployment, inbound)
        webhook = MailWebhook(secrets, answers, inbound.limits)
        async with AsyncExitStack() as stack:
            if reader is not None:
                await stack.enter_async_context(reader.reading(answers))
            yield (Route("POST", PATH, webhook.post),) if secrets else ()

    async def self_test(url: str) -> None:
        import httpx  # other commands than those that serve need none of it

        if not secrets:
            return
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as stranger:
            answer = await stranger.post(f"{url}{PATH}", content=b"x")
        if answer.status_code != httpx.codes.UNAUTHORIZED:
            raise ConfigurationError([f"{url}{PATH}: takes mail from anybody."])

    yield Opened(channel, listen=listen, self_test=self_test)


def _reader(settings: ImapSettings) -> MailboxReader:
    """Raises ConfigurationError where the library for it is missing."""
    try:
        from countersign.connectors.email.mailbox import MailboxReader
    except ImportError as exc:
        raise ConfigurationError([EXTRA]) from exc
    return MailboxReader(settings)


SYSTEM = System(
    name=NAME,
    words="e-mail",
    identity=NAME,
    settings=EmailSettings,
    open=_open,
    problems=problems,
)
