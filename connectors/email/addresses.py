"""Addresses: where people are written to, and which of them have sent our mail back."""

from __future__ import annotations

from datetime import timedelta

from countersign.approvals.errors import NoRecipientError, UnreachableError
from countersign.approvals.forms.wording import visible
from countersign.approvals.models import Conversation, ConversationKey, Principal
from countersign.approvals.ports import Clock, Conversations
from countersign.connectors.email.letter import NAME
from countersign.connectors.email.settings import is_address

CLOSED_FOR = timedelta(days=1)
"""How long nothing is sent to an address that has sent mail back; then one is tried again."""


class Addresses:
    """The address of each person, looked up whenever something is sent."""

    def __init__(self, conversations: Conversations, clock: Clock):
        self._conversations, self._clock = conversations, clock

    async def of(self, person: Principal) -> str:
        """Where to write to them. Raises NoRecipientError; UnreachableError while it is closed."""
        address = person.identities.get(NAME, "")
        if not is_address(address):
            raise NoRecipientError(f"{person.name}: {address!r} is no address to write to.")
        known = await self._conversations.get(key_of(address))
        if known is None or known.blocked_at is None:
            return address
        if known.blocked_at + CLOSED_FOR <= self._clock.now():
            return address
        raise _unreachable(person, known.blocked_reason or "mail came back")

    async def closed(self, person: Principal, reason: str) -> UnreachableError:
        """Their address takes no mail; the error that says so."""
        address = person.identities.get(NAME, "")
        known = await self._conversations.get(key_of(address))
        if known is None:
            await self._conversations.save(self._conversation(person, address))
            known = await self._conversations.get(key_of(address))
        if known is not None:
            await self._conversations.closed(known, reason)
        return _unreachable(person, reason)

    async def took(self, address: str) -> None:
        """A mail was taken for it, or came from there."""
        known = await self._conversations.get(key_of(address))
        if known is not None and known.blocked_at is not None:
            await self._conversations.opened(known.key)

    def _conversation(self, person: Principal, address: str) -> Conversation:
        return Conversation(
            key=key_of(address),
            channel=NAME,
            kind="personal",
            principal_id=person.id,
            reference={"address": address},
            updated_at=self._clock.now(),
        )


def key_of(address: str) -> ConversationKey:
    """Our name for an address."""
    return ConversationKey(f"{NAME}:{address.lower()}")


def _unreachable(person: Principal, reason: str) -> UnreachableError:
    return UnreachableError(
        f"{visible(person.name)} cannot be reached by e-mail: {visible(reason)}.", reason=reason
    )
