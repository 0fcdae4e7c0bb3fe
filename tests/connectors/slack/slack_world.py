"""The domain with Slack as its channel, a workspace that runs, and people in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from countersign.agents.classic.facts import WorkflowInfo
from countersign.approvals.decisions.outbox import DELIVER, NOTIFY, REMIND
from countersign.approvals.models import Request
from countersign.bot.http.lanes import Limits
from countersign.bot.http.settings import LimitsSettings
from countersign.connectors.slack.answers import Answers
from countersign.connectors.slack.channel import SlackChannel
from countersign.connectors.slack.settings import PATH, SlackSettings
from countersign.connectors.slack.system import SYSTEM
from countersign.connectors.slack.webhook import SlackWebhook
from countersign.connectors.system import Deployment, Inbound, Opened
from countersign.sandbox.slack.people import identity
from countersign.sandbox.slack.server import Slack
from countersign.sandbox.slack.workspace import Message, View
from tests.doubles.clock import ManualClock
from tests.doubles.database import empty_store
from tests.doubles.directory import ANNA, BEN, CARA, FakeDirectory
from tests.doubles.jobs import RecordingJobs
from tests.doubles.links import links
from tests.doubles.world import RULES, World

PEOPLE = (
    BEN.model_copy(update={"identities": {"slack": identity("alex")}}),
    CARA.model_copy(update={"identities": {"slack": identity("megan")}}),
)
"""Ben is Alex there, and Cara is Megan."""
REQUESTER = ANNA.model_copy(update={"identities": {"slack": identity("sam")}})
QUOTES, REFUNDS = (
    WorkflowInfo(
        name=name, version="1", title=title, triggers=(word,), example=text, tools=(), agents=()
    )
    for name, title, word, text in (
        ("sales_quote", "Sales quote", "quote", "quote for Contoso, 25 seats"),
        ("refund", "Refund", "refund", "refund INV-7"),
    )
)
ALEX, MEGAN, SAM, ADELE = "U0ALEX", "U0MEGAN", "U0SAM", "U0ADELE"


def section(slack: Slack, **more: Any) -> dict[str, Any]:
    """`connectors.slack` for this workspace."""
    ready = slack.ready()
    return {
        "team_id": ready["team_id"],
        "token": ready["token"],
        "signing_secrets": [ready["signing_secret"]],
        "api_url": ready["api_url"],
        **more,
    }


class SlackWorld(World):
    """Doorbells are answered when a test says so."""

    jobs: RecordingJobs
    slack: Slack
    opened: Opened
    answers: Answers

    async def work(self) -> None:
        """Answer what has been rung, and what that rings."""
        while rung := self.jobs.take(self.clock.now()):
            for job in rung:
                match job.kind:
                    case kind if kind == DELIVER:
                        await self.courier.deliver(job.id)
                    case kind if kind == NOTIFY:
                        await self.courier.notify(job.id)
                    case kind if kind == REMIND:
                        await self.courier.remind(job.id)

    async def shown(self, tool: str = "quote", **arguments: Any) -> tuple[Request, Message]:
        """A request, and the first message in which it is asked."""
        run = await self.begun()
        call = self.proposal(run.session.id, tool, arguments or None)
        (request,) = await self.submit(run, call)
        await self.work()
        return request, self.slack.asking(request.id)[0]

    async def press(self, message: Message, user: str, action: str = "approve", **more: Any) -> Any:
        """A click, and what it rings."""
        answer = await self.slack.click(message, user, action, **more)
        await self.work()
        return answer

    async def form(self, message: Message, user: str, action: str) -> View:
        """The modal behind a button."""
        await self.press(message, user, action)
        view = self.slack.modal(user)
        assert view is not None, self.slack.told(user)
        return view

    def told(self, user: str) -> str:
        """The last thing that somebody alone was shown."""
        return (self.slack.told(user) or [""])[-1]


@asynccontextmanager
async def in_slack(folder: Path, **settings: Any) -> AsyncIterator[SlackWorld]:
    """It, with the address that Slack calls; `settings` are of the section."""
    ack_s = settings.pop("ack_s", 2.0)
    enterprise = settings.get("enterprise_id", "")
    async with (
        empty_store(folder, "sqlite") as store,
        Slack.start(enterprise=enterprise) as slack,
    ):
        world = SlackWorld(store, RecordingJobs(), ManualClock())
        people = [REQUESTER, *PEOPLE]
        if enterprise:
            people = [
                p.model_copy(
                    update={"identities": {"slack": f"{enterprise}/{p.identities['slack']}"}}
                )
                for p in people
            ]
        world.directory = FakeDirectory(people)
        world.slack = slack
        deployment = Deployment(
            clock=world.clock,
            store=store,
            directory=world.directory,
            conversations=world.conversations,
            links=links(),
            local=True,
            host="127.0.0.1",
            public_url="https://gate.example",
        )
        made = SlackSettings.model_validate(section(slack, **settings))
        async with SYSTEM.configured(made).open(deployment) as world.opened:
            channel = world.opened.channel
            assert isinstance(channel, SlackChannel)
            world.channels = {"slack": channel}  # type: ignore[dict-item]
            tools = {
                name: {**rule, "channels": ["slack"]}
                if isinstance(rule, dict) and rule["effect"] == "require_approval"
                else rule
                for name, rule in RULES["tools"].items()
            }
            world.use({"tools": tools})
            inbound = Inbound(
                world.approvals,
                world.records,
                world.runs,
                (QUOTES, REFUNDS),
                Limits(LimitsSettings()),
            )
            client = channel._client
            answers = Answers(made, channel, client, deployment, inbound, ack_s=ack_s)
            world.answers = answers
            secrets = [secret.get_secret_value() for secret in made.signing_secrets]
            app = web.Application()
            app.router.add_post(PATH, SlackWebhook(secrets, answers, world.clock).post)
            async with TestServer(app) as server:
                slack.hook_url = str(server.make_url(PATH))
                slack.at_s = world.clock.now().timestamp()
                yield world
                await answers.drain()
