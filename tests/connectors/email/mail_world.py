"""The domain with e-mail as its channel, a mail server that runs, and what comes back from it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from countersign.approvals.decisions.outbox import DELIVER, NOTIFY, REMIND
from countersign.approvals.models import Conversation, Delivery, Request
from countersign.approvals.store import deliveries as delivery_rows
from countersign.approvals.store import notices as notice_rows
from countersign.approvals.store import reminders as reminder_rows
from countersign.bot.http.lanes import Limits
from countersign.bot.http.settings import LimitsSettings
from countersign.connectors.email.answers import Answers
from countersign.connectors.email.settings import EmailSettings
from countersign.connectors.email.system import SYSTEM
from countersign.connectors.system import Deployment, Inbound, Opened
from countersign.sandbox.mailbox import Mailbox
from tests.doubles.channel import FakeChannel
from tests.doubles.clock import ManualClock
from tests.doubles.database import empty_store
from tests.doubles.jobs import RecordingJobs
from tests.doubles.links import links
from tests.doubles.world import RULES, THREAD, World

SENDER, SECRET = "approvals@acme.example", "a secret of the mail provider"
BEN_AT, CARA_AT = "ben@example.com", "cara@example.com"


def rules(*channels: str, **more: Any) -> Mapping[str, Any]:
    """The usual ones, with every request shown in these channels."""
    tools = {
        name: {**rule, "channels": list(channels), **more}
        if isinstance(rule, dict) and rule["effect"] == "require_approval"
        else rule
        for name, rule in RULES["tools"].items()
    }
    return {"tools": tools}


class MailWorld(World):
    """Doorbells are answered when a test says so: `work()` until nothing rings."""

    jobs: RecordingJobs
    mailbox: Mailbox
    opened: Opened
    answers: Answers
    settings: EmailSettings
    url: str

    async def work(self) -> None:
        """Answer what has been rung, and what that rings."""
        while rung := self.jobs.take(self.clock.now()):
            for job in rung:
                match job.kind:
                    case kind if kind == DELIVER:
                        await self.courier.deliver(job.id)
                    case kind if kind == REMIND:
                        await self.courier.remind(job.id)
                    case kind if kind == NOTIFY:
                        await self.courier.notify(job.id)

    async def due(self) -> None:
        """Everything that is due by now, as a sweep finds it."""
        now = self.clock.now()
        for request in await self.store.read(lambda c: reminder_rows.with_steps(c, now, limit=50)):
            await self.approvals.expire(request)
        for delivery in await self.store.read(lambda c: delivery_rows.due(c, now, limit=50)):
            await self.courier.deliver(delivery)
        for reminder in await self.store.read(lambda c: reminder_rows.due(c, now, limit=50)):
            await self.courier.remind(reminder)
        for key in await self.store.read(lambda c: notice_rows.conversations_due(c, now, limit=50)):
            await self.courier.notify(key)
        await self.work()

    async def after(self, **span: float) -> None:
        """Some time passes, and what is due then happens."""
        self.clock.advance(timedelta(**span).total_seconds())
        await self.due()

    async def mailed(self, tool: str = "quote") -> Request:
        """A request that was sent."""
        run = await self.begun(THREAD)
        (request,) = await self.submit(run, tool)
        await self.work()
        return request

    def mails(self, to: str = "") -> list[dict[str, Any]]:
        """What was sent by us, whole, oldest first."""
        found = [m for m in self.mailbox.messages() if m["mail_from"] == SENDER]
        mine = [m for m in found if not to or m["rcpt_to"] == [to]]
        return [self.mailbox.message(m["id"]) or {} for m in mine]

    async def deliveries(self, request: Request) -> list[Delivery]:
        """By mail, in order of whom they are for."""
        found = await self.records.deliveries(request.id)
        return sorted((d for d in found if d.channel == "email"), key=lambda d: d.target)

    async def comments(self, request: Request) -> list[dict[str, Any]]:
        """What was said of it, from the ledger."""
        entries = await self.records.ledger(request.session_id)
        return [entry.body for entry in entries if entry.kind == "commented"]

    async def does(self, do: str, mail: Mapping[str, Any], who: str = BEN_AT, **more: Any) -> Any:
        """Somebody's program does something with a mail; what the webhook answered."""
        said = {"do": do, "message": mail["id"], "who": who, **more}
        status = (await self.mailbox.act(said))["status"]
        await self.work()
        return status

    async def answers_of(self, raw: bytes) -> str:
        """What becomes of a mail that is brought."""
        return await self.answers.take(raw)

    @property
    def told(self) -> list[str]:
        """What whoever asked was told."""
        teams = self.channels["teams"]
        assert isinstance(teams, FakeChannel)
        return [text for _, text in teams.said]


@asynccontextmanager
async def by_mail(
    folder: Path, *channels: str, database: str = "sqlite", **more: Any
) -> AsyncIterator[MailWorld]:
    """It, with the provider's webhook; `more` are settings of the section."""
    async with empty_store(folder, database) as store, Mailbox.start() as mailbox:
        world = MailWorld(store, RecordingJobs(), ManualClock())
        world.mailbox = mailbox
        world.settings = EmailSettings.model_validate(
            {
                "host": mailbox.smtp_host,
                "port": mailbox.smtp_port,
                "tls": "none",
                "sender": f"Approvals <{SENDER}>",
                "webhook_secrets": [SECRET],
                **more,
            }
        )
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
        async with SYSTEM.configured(world.settings).open(deployment) as world.opened:
            world.channels["email"] = world.opened.channel  # type: ignore[assignment]
            world.use(rules(*(channels or ("email",))))
            await world.conversations.save(_thread(world.clock))
            starts: Any = None
            limits = Limits(LimitsSettings())
            inbound = Inbound(world.approvals, world.records, starts, (), limits)
            channel: Any = world.opened.channel
            world.answers = Answers(world.settings, channel, deployment, inbound)
            async with world.opened.listen(inbound) as routes:
                app = web.Application()
                for route in routes:
                    app.router.add_route(route.method, route.path, route.handler)
                async with TestServer(app) as server:
                    world.url = str(server.make_url("")).rstrip("/")
                    mailbox.hook = (SENDER, f"{world.url}/webhooks/email", SECRET)
                    yield world


def _thread(clock: ManualClock) -> Conversation:
    """Where sessions begin."""
    return Conversation.model_validate(
        {
            "key": THREAD,
            "channel": "teams",
            "kind": "personal",
            "principal_id": "anna",
            "reference": {"serviceUrl": "https://example.com"},
            "updated_at": clock.now(),
        }
    )
