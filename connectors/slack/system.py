"""Slack as the product knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from countersign.approvals.errors import ConfigurationError
from countersign.connectors.slack.message import NAME
from countersign.connectors.slack.settings import PATH, SlackSettings, problems
from countersign.connectors.system import Deployment, Inbound, Opened, Route, System

TIMEOUT_S = 10.0
EXTRA = "connectors.slack: needs slack-sdk; install countersign-approvals[slack]."


@asynccontextmanager
async def _open(settings: SlackSettings, deployment: Deployment) -> AsyncIterator[Opened]:
    try:  # here, so that a deployment without Slack need not have the vendor's package
        from countersign.connectors.slack.answers import Answers
        from countersign.connectors.slack.channel import SlackChannel
        from countersign.connectors.slack.checks import Checks
        from countersign.connectors.slack.client import SlackClient
        from countersign.connectors.slack.socket import listening
        from countersign.connectors.slack.webhook import SlackWebhook
    except ImportError as exc:
        raise ConfigurationError([EXTRA]) from exc

    secrets = [secret.get_secret_value() for secret in settings.signing_secrets]
    async with SlackClient.open(settings) as client:
        checks = Checks(settings, client, deployment.approvers)
        channel = SlackChannel(settings, client, deployment, checks.run)

        @asynccontextmanager
        async def listen(inbound: Inbound) -> AsyncIterator[Sequence[Route]]:
            answers = Answers(settings, channel, client, deployment, inbound)
            webhook = SlackWebhook(secrets, answers, deployment.clock)
            async with AsyncExitStack() as stack:
                stack.push_async_callback(answers.drain)
                if settings.app_token.get_secret_value():
                    await stack.enter_async_context(listening(settings, answers))
                yield (Route("POST", PATH, webhook.post),) if secrets else ()

        async def self_test(url: str) -> None:
            import httpx  # other commands than those that serve need none of it

            if not secrets:
                return
            async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as stranger:
                answer = await stranger.post(f"{url}{PATH}", content=b"payload=%7B%7D")
            if answer.status_code != httpx.codes.UNAUTHORIZED:
                raise ConfigurationError([f"{url}{PATH}: takes what Slack has not signed."])

        yield Opened(channel, listen=listen, self_test=self_test)


SYSTEM = System(
    name=NAME,
    words="Slack",
    identity=NAME,
    settings=SlackSettings,
    open=_open,
    takes_text=True,
    problems=problems,
)
