"""Teams as a channel of the domain: shows requests, keeps them up to date, posts progress."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

from countersign.approvals.errors import BusyError, NotFoundError, UnreachableError
from countersign.approvals.forms.together import waiting
from countersign.approvals.forms.told import listed
from countersign.approvals.forms.told import prompt as prompt_words
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import (
    Conversation,
    ConversationKey,
    Delivery,
    JsonObject,
    Notice,
    PrincipalId,
    RequestStatus,
)
from countersign.approvals.ports import (
    Clock,
    Conversations,
    Directory,
    Prompt,
    RequestView,
)
from countersign.approvals.rules.placing import wider_audience
from countersign.approvals.tickets import CheckResult
from countersign.bot.teams.adapter import TeamsAdapter
from countersign.bot.teams.cards import notification, request_card, state_card
from countersign.bot.teams.checkpoint import (
    checkpoint_card,
    checkpoint_state,
    checkpoint_title,
    members_of,
)
from countersign.bot.teams.elements import flavour_of
from countersign.bot.teams.messages import Card, Text
from countersign.bot.teams.pacing import BUSY
from countersign.bot.teams.parts import Look
from countersign.bot.teams.places import (
    Places,
    cannot_be_reached,
    key_of,
    message_in,
)
from countersign.bot.teams.settings import TeamsSettings

NAME = "teams"
LIST = "list"
"""The member of a reference that says that its message is a list of several requests."""
SHOWN_BY_PENDING = "\n\nWrite `pending` to see their cards and decide."
_CONVERSATION, _PERSON = "conversation:", "person:"


class TeamsChannel:
    """`approvals.ports.Channel` over the Bot Framework."""

    name = NAME

    def __init__(
        self,
        settings: TeamsSettings,
        adapter: TeamsAdapter,
        conversations: Conversations,
        directory: Directory,
        clock: Clock,
        *,
        readable: bool = False,
        pages_url: str = "",
    ) -> None:
        """`readable`: there is a page that shows all of a request. `pages_url`: where receipts are
        read."""
        self._pages_url = pages_url
        self.placing = settings.placing
        self._settings, self._adapter, self._readable = settings, adapter, readable
        self._conversations, self._directory = conversations, directory
        self._places, self._clock = Places(conversations, directory), clock

    async def post(self, delivery: Delivery, view: RequestView) -> JsonObject:
        """Post the card; see `bot.teams.places.message_in` for the reference."""
        reference = await self._reference(delivery.target)
        self._require_turn(reference)
        card = await self._card(reference, view, view.calls)
        activity_id = await self._places.send(reference, lambda at: self._adapter.send(at, card))
        return message_in(reference, activity_id, calls=view.calls)

    async def post_list(self, delivery: Delivery, views: Sequence[RequestView]) -> JsonObject:
        """Post the list; `pending` shows the cards."""
        reference = await self._reference(delivery.target)
        text = Text(safe_markdown(listed([view.request for view in views])) + SHOWN_BY_PENDING)
        sent = await self._places.send(reference, lambda at: self._adapter.send(at, text))
        return {**message_in(reference, sent), LIST: True}

    async def update(self, delivery: Delivery, view: RequestView) -> None:
        """Replace the card for everybody."""
        reference = delivery.reference or {}
        if reference.get(LIST):
            return
        activity_id = reference.get("activityId")
        if not isinstance(activity_id, str) or not activity_id:
            raise NotFoundError(f"Delivery {delivery.id} does not know its message")
        self._require_turn(reference)
        card = await self._card(reference, view, delivery.calls)
        await self._places.send(reference, lambda at: replace(self._adapter, at, activity_id, card))

    def busy_s(self, delivery: Delivery) -> float:
        """As the pacing of its conversation has it; that of a person may not be known yet."""
        if delivery.reference is not None:
            key = str(key_of(delivery.reference))
        elif delivery.target.startswith(_CONVERSATION):
            key = delivery.target.removeprefix(_CONVERSATION)
        else:
            return 0.0
        return self._adapter.busy_s(key.partition(":")[2])

    def _require_turn(self, reference: JsonObject) -> None:
        """Raise BusyError before a card is drawn that would be sent away: the chat of a person is
        known only now, and others may have written there since `busy_s`."""
        if (away_s := self._adapter.busy_s(str(key_of(reference)).partition(":")[2])) > 0:
            raise BusyError(BUSY, retry_after_s=away_s)

    async def say(self, conversation: Conversation, notice: Notice) -> JsonObject:
        """Post the final answer into the thread; of progress, keep one message up to date."""
        place, known = conversation.reference, (notice.reference or {}).get("activityId")
        if isinstance(known, str):
            whole = Text(safe_markdown("\n\n".join([*notice.before, notice.text])))
            with suppress(NotFoundError):  # somebody deleted it, or the client cannot update
                await self._places.send(place, lambda at: self._adapter.update(at, known, whole))
                return message_in(place, known)
        text = Text(safe_markdown(notice.text))
        sent = await self._places.send(place, lambda at: self._adapter.send(at, text))
        return message_in(place, sent)

    async def remind(self, delivery: Delivery, view: RequestView, prompt: Prompt) -> None:
        """Reply to the card, in words."""
        reference = delivery.reference or {}
        wider = await self._has_wider_audience(reference)
        text = Text(reminder(view, prompt, wider_audience=wider, calls=delivery.calls))
        card = str(reference.get("activityId") or "")
        await self._places.send(reference, lambda at: self._adapter.send(at, text, reply_to=card))

    def over(self, delivery: Delivery, view: RequestView) -> bool:
        """Once the request is decided and what came of it is known."""
        return view.is_over

    async def check(self) -> Sequence[CheckResult]:
        """Get a token for the bot. Raises UnavailableError."""
        bot = self._settings.app_id
        if not bot:
            said = "no app_id: only the Emulator and the Agents Playground can talk to the bot"
        else:
            await self._adapter.check()
            said = f"bot {bot} gets tokens for tenant {self._settings.tenant_id}"
        return (CheckResult(name="credentials", ok=True, said=said),)

    async def _card(self, reference: JsonObject, view: RequestView, calls: str) -> Card:
        if await self._has_wider_audience(reference):
            state = checkpoint_state(view, calls) if calls else state_card(view)
            return Card(state, checkpoint_title(view, calls) if calls else notification(view))
        channel_id = str(reference.get("channelId"))
        look = look_for(
            self._settings, channel_id, readable=self._readable, pages_url=self._pages_url
        )
        if calls:
            return Card(checkpoint_card(view, calls, look), checkpoint_title(view, calls))
        return Card(request_card(view, look), notification(view))

    async def _has_wider_audience(self, reference: JsonObject) -> bool:
        """Whether a card is there from before `deliver` was set to `approvers`."""
        if self._settings.deliver != "approvers":
            return False
        conversation = await self._conversations.get(key_of(reference))
        return conversation is not None and wider_audience(self.placing, conversation.kind)

    async def _reference(self, target: str) -> JsonObject:
        if target.startswith(_CONVERSATION):
            key = ConversationKey(target.removeprefix(_CONVERSATION))
            conversation = await self._conversations.get(key)
            if conversation is None:
                raise NotFoundError(f"The conversation {key} is not known")
            return conversation.reference
        return await self._personal(PrincipalId(target.removeprefix(_PERSON)))

    async def _personal(self, principal_id: PrincipalId) -> JsonObject:
        """The person's chat, opened if need be. Raises UnreachableError while that cannot be."""
        conversation = await self._conversations.personal(principal_id, NAME)
        if conversation is not None:
            return conversation.reference
        principal = self._directory.by_id(principal_id)
        if principal is None:
            raise NotFoundError(f"There is no person {principal_id} any more")
        entra_id = principal.identities.get("entra")
        if not self._settings.app_id or not entra_id:
            is_unknown = self._settings.app_id
            reason = "has no `entra` identity" if is_unknown else "has not written to the bot"
            raise cannot_be_reached(visible(principal.name), reason)
        try:
            reference = await self._adapter.open_personal(entra_id, principal.name)
        except UnreachableError as error:
            raise cannot_be_reached(visible(principal.name), error.reason, str(error)) from error
        await self._conversations.save(
            Conversation(
                key=key_of(reference),
                channel=NAME,
                kind="personal",
                principal_id=principal_id,
                reference=reference,
                updated_at=self._clock.now(),
            )
        )
        return reference


def reminder(view: RequestView, prompt: Prompt, *, wider_audience: bool, calls: str = "") -> str:
    """What stands beneath a card that still waits; of `calls`, for all of them."""
    waits = len(waiting(members_of(view, calls))) - 1
    also = (
        "" if waits < 1 else f" {waits} more on the same card {'waits' if waits == 1 else 'wait'}."
    )
    is_over = view.request.status is not RequestStatus.PENDING
    where = (
        ""
        if wider_audience or is_over
        else " It is answered on its card; write `pending` to see it again."
    )
    return f"{safe_markdown(prompt_words(view.request, escalated=prompt.escalated))}{also}{where}"


def look_for(
    settings: TeamsSettings, channel_id: str, *, readable: bool, pages_url: str = ""
) -> Look:
    """How cards are drawn for the clients of this channel."""
    flavour = flavour_of(channel_id)
    return Look(flavour, readable=readable, full_width=bool(settings.app_id), pages_url=pages_url)


async def replace(
    adapter: TeamsAdapter, reference: JsonObject, activity_id: str, card: Card
) -> None:
    """Update a card; post it anew where the client cannot update (offline Web Chat).

    Raises NotFoundError if the message is gone in a client that can.
    """
    try:
        await adapter.update(reference, activity_id, card)
    except NotFoundError:
        if reference.get("channelId") == "msteams":
            raise
        await adapter.send(reference, card)


_AMPERSAND = re.compile(r"&(?!#\d{1,4};)")


def safe_markdown(text: str) -> str:
    """Text with agents' words in it: links, images, tags and mentions lose their effect and show
    what they are. What `as_text` has marked stays text; emphasis of ours stays."""
    entities = _AMPERSAND.sub("&amp;", visible(text)).replace("<", "&lt;")
    # A zero-width space between the two halves of a link: the address stays to be read.
    return re.sub(r"\](?=\s*[(\[:])", "]\u200b", entities)
