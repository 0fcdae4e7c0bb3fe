"""Slack as a channel of the domain: one message for each request and place, kept as it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from countersign.approvals.backoff import capped_s
from countersign.approvals.errors import (
    BusyError,
    MisdirectedError,
    NoRecipientError,
    NotFoundError,
)
from countersign.approvals.forms import told
from countersign.approvals.models import (
    CALLS,
    Conversation,
    Delivery,
    JsonObject,
    Notice,
    Placing,
    Principal,
    PrincipalId,
    Question,
    Request,
    RequestId,
    RequestKind,
)
from countersign.approvals.ports import Prompt, RequestView
from countersign.approvals.store import questions as question_rows
from countersign.approvals.tickets import CheckResult
from countersign.connectors.slack.client import SlackClient
from countersign.connectors.slack.drawing import drawn_for
from countersign.connectors.slack.markup import said
from countersign.connectors.slack.message import NAME, Drawn
from countersign.connectors.slack.sentences import sentences
from countersign.connectors.slack.settings import SlackSettings
from countersign.connectors.slack.threads import Threads, key_of
from countersign.connectors.slack.together import members_of
from countersign.connectors.system import Deployment

INBOX = "/inbox/requests/"
TURNS = 3
"""How often a reply waits for its turn: it has no row that would bring it back."""
_PERSON, _CONVERSATION = "person:", "conversation:"
Check = Callable[[], Coroutine[Any, Any, Sequence[CheckResult]]]


class SlackChannel:
    """`approvals.ports.Channel` over Slack's Web API."""

    name = NAME

    def __init__(
        self, settings: SlackSettings, client: SlackClient, deployment: Deployment, check: Check
    ) -> None:
        self.placing = placing(settings)
        self.check = check
        self._settings, self._client = settings, client
        self._directory, self._conversations = deployment.directory, deployment.conversations
        self._clock, self._url = deployment.clock, deployment.public_url
        self._store = deployment.store
        self.threads = Threads(
            deployment.store,
            deployment.conversations,
            deployment.clock,
            lambda channel, message: self.reply(channel, "", message),
        )

    async def post(self, delivery: Delivery, view: RequestView) -> JsonObject:
        """Post the message; the reference is its channel and time stamp."""
        channel = await self._place(delivery)
        made = await self._drawn(view)
        thread: JsonObject = {}
        if view.request.kind is RequestKind.INPUT:  # it is asked where the session began
            thread = await self._thread(view.session.id, channel)
        posted = await self._posted(
            channel, text=said(made.text), blocks=list(made.blocks), **thread
        )
        together: JsonObject = {CALLS: view.calls} if members_of(view) else {}
        return {**posted, **thread, **together}

    async def post_list(self, delivery: Delivery, views: Sequence[RequestView]) -> JsonObject:
        """Post their names, each with where it is decided."""
        channel = await self._place(delivery)
        text = said(told.listed([view.request for view in views]))
        pages = [page for view in views if (page := self.page(view.request))]
        where = "\n".join(["", "Decide them here:", *pages] if pages else ())
        return {**await self._posted(channel, text=f"{text}{where}"), "list": True}

    async def update(self, delivery: Delivery, view: RequestView) -> None:
        """Draw the message again, for everybody. A list stays as it is."""
        reference = delivery.reference or {}
        if reference.get("list"):
            return
        channel, ts = reference.get("channel"), reference.get("ts")
        if not isinstance(channel, str) or not isinstance(ts, str):
            raise NotFoundError(f"Delivery {delivery.id} does not know its message.")
        await self.redraw(channel, ts, view)

    async def redraw(self, channel: str, ts: str, view: RequestView) -> None:
        """Draw the message at this place again. Raises as `update`."""
        made = await self._drawn(view)
        await self._client.call(
            "chat.update",
            lambda web: web.chat_update(
                channel=channel, ts=ts, text=said(made.text), blocks=list(made.blocks)
            ),
            channel=channel,
        )

    async def _drawn(self, view: RequestView) -> Drawn:
        """The message, with what was asked about each of its calls."""
        calls = [each.id for each in members_of(view)]
        asked: dict[RequestId, list[Question]] = {}
        for question in (
            await self._store.read(lambda c: question_rows.among(c, calls)) if calls else ()
        ):
            asked.setdefault(question.request_id, []).append(question)
        return drawn_for(view, self.page, asked)

    def busy_s(self, delivery: Delivery) -> float:
        """As the pacing of its channel has it; that of a person may not be known yet."""
        reference = delivery.reference or {}
        channel = reference.get("channel") or self._settings.channel
        return self._client.busy_s(str(channel)) if channel else 0.0

    async def say(self, conversation: Conversation, notice: Notice) -> JsonObject:
        """Post the final answer into the session's thread; of progress, keep one message up to
        date."""
        channel = str(conversation.reference.get("channel", ""))
        ts = (notice.reference or {}).get("ts")
        if isinstance(ts, str):
            whole = sentences("\n\n".join([*notice.before, notice.text]))
            with suppress(NotFoundError, MisdirectedError):  # it is gone, or too long by now
                await self._client.call(
                    "chat.update",
                    lambda web: web.chat_update(channel=channel, ts=ts, **whole),
                    channel=channel,
                )
                return {"channel": channel, "ts": ts}
        thread = await self._thread(notice.session_id, channel)
        return await self._posted(channel, **sentences(notice.text), **thread)

    async def reply(self, channel: str, thread: str, message: JsonObject) -> JsonObject:
        """Say something in a chat, or in a thread of it, once that is its turn. Raises as
        `post`."""
        more = {"thread_ts": thread} if thread else {}
        for _ in range(TURNS):
            try:
                return await self._posted(channel, **message, **more)
            except BusyError as exc:
                await asyncio.sleep(capped_s(exc.retry_after_s))
        return await self._posted(channel, **message, **more)

    async def own_chat(self, person: Principal) -> str:
        """The app's chat with somebody, opened if need be. Raises NoRecipientError."""
        known = await self._conversations.personal(person.id, NAME)
        user = self._user(person)
        if not user:
            raise NoRecipientError(
                f"{person.name} has no identity {NAME} in {'/'.join(self._settings.where)}; add it "
                "in `people`."
            )
        if known is not None and known.reference.get("user") == user:
            return str(known.reference["channel"])
        return await self._opened(person, user)

    async def _thread(self, session_id: str, channel: str) -> JsonObject:
        """Where a session goes on that began in this chat. Raises as `post`."""
        ts = await self.threads.of(session_id, channel)
        return {"thread_ts": ts} if ts else {}

    async def remind(self, delivery: Delivery, view: RequestView, prompt: Prompt) -> None:
        """Write below the message, and call those who may decide by name."""
        reference = delivery.reference or {}
        channel, ts = str(reference.get("channel", "")), str(reference.get("ts", ""))
        words = said(told.prompt(view.request, escalated=prompt.escalated))
        users = [user for each in view.eligible if (user := self._user(each))]
        if delivery.target.startswith(_PERSON):
            mine = self._directory.by_id(delivery.target.removeprefix(_PERSON))
            users = [user for user in users if mine is not None and user == self._user(mine)]
        calls = "".join(f"<@{user}> " for user in users)
        await self._posted(channel, text=f"{calls}{words}", thread_ts=ts)

    def over(self, delivery: Delivery, view: RequestView) -> bool:
        """Once the request is decided and what came of it is known."""
        return view.is_over

    def page(self, request: Request) -> str:
        """Where all of it can be read and decided after signing in; "" without a public address."""
        return f"{self._url}{INBOX}{request.id}" if self._url else ""

    async def _posted(self, channel: str, **message: Any) -> JsonObject:
        answer = await self._client.call(
            "chat.postMessage",
            lambda web: web.chat_postMessage(
                channel=channel,
                unfurl_links=False,
                unfurl_media=False,
                **message,
            ),
            channel=channel,
        )
        return {"channel": str(answer["channel"]), "ts": str(answer["ts"])}

    async def _place(self, delivery: Delivery) -> str:
        """The channel to post into. Raises NotFoundError, NoRecipientError."""
        target = delivery.target
        if target.startswith(_CONVERSATION):
            return target.removeprefix(f"{_CONVERSATION}{NAME}:")
        person = self._directory.by_id(target.removeprefix(_PERSON))
        if person is None:
            raise NotFoundError(f"There is nobody {target} any more.")
        return await self.own_chat(person)

    async def _opened(self, person: Principal, user: str) -> str:
        answer = await self._client.call(
            "conversations.open", lambda web: web.conversations_open(users=user)
        )
        channel = str(answer["channel"]["id"])
        await self._conversations.save(
            Conversation(
                key=key_of(channel),
                channel=NAME,
                kind="personal",
                principal_id=PrincipalId(person.id),
                reference={"channel": channel, "user": user},
                updated_at=self._clock.now(),
            )
        )
        return channel

    def _user(self, person: Principal) -> str:
        """Their id in our workspace; "" if they have none there."""
        return user_of(self._settings, person.identities.get(NAME, ""))


def user_of(settings: SlackSettings, identity: str) -> str:
    """The user id in an identity of our workspace; "" of another one. The directory knows no
    capitals, and Slack nothing else."""
    where, _, user = identity.upper().rpartition("/")
    return user if where == "/".join(settings.where) and user else ""


def placing(settings: SlackSettings) -> Placing:
    """In one channel for all, or in the chats of those who decide."""
    everything_in = str(key_of(settings.channel)) if settings.channel else ""
    return Placing(
        identity=NAME,
        everything_in=everything_in,
        takes_words=True,
        redrawn=True,
        together=True,
    )
