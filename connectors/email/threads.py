"""Threads of mail: what is known of each before it is sent, and how it gets to the relay."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import Connection

from countersign.approvals.errors import (
    NoRecipientError,
    NotFoundError,
    UnansweredError,
    UnavailableError,
    UnreachableError,
)
from countersign.approvals.models import Delivery, DeliveryId, Principal, PrincipalId, Request
from countersign.approvals.ports import RequestView
from countersign.approvals.store import mail as rows
from countersign.approvals.store.mail import Kind, MailThread
from countersign.connectors.email import letter
from countersign.connectors.email.addresses import Addresses
from countersign.connectors.email.letter import NAME, Letter
from countersign.connectors.email.links import Links
from countersign.connectors.email.relay import Relay
from countersign.connectors.email.settings import EmailSettings
from countersign.connectors.email.writing import Envelope, mail
from countersign.connectors.system import Deployment

SENDING, LIST = "sending", "list"
"""What a thread has told: perhaps its first mail; a list, which never changes."""
_PERSON = "person:"
_ID_BYTES = 16


class Threads:
    """Begins threads, and goes on with them."""

    def __init__(self, settings: EmailSettings, relay: Relay, deployment: Deployment):
        self._settings, self._relay = settings, relay
        self._store, self._clock = deployment.store, deployment.clock
        self._directory = deployment.directory
        self.links = Links(settings.link_valid_for, deployment)
        self.addresses = Addresses(deployment.conversations, deployment.clock)

    async def thread(self, delivery: Delivery, view: RequestView) -> MailThread:
        """What was sent for this delivery; of all but the first in a list only the list is known.
        Raises NotFoundError."""
        found = await self._store.read(lambda c: rows.thread(c, delivery.id))
        if found is not None:
            return found
        listed = (delivery.reference or {}).get("list")
        if listed is None:
            raise NotFoundError("Nothing is known of this mail any more.")
        return MailThread(
            delivery_id=delivery.id,
            message_id=str(listed)[1:].partition("@")[0],
            request_id=view.request.id,
            principal_id=PrincipalId(delivery.target.removeprefix(_PERSON)),
            address="",
            subject=letter.subject_of([view]),
        )

    def person(self, delivery: Delivery) -> Principal:
        """Whom it is for, with an address. Raises NotFoundError, NoRecipientError."""
        person = self._directory.by_id(delivery.target.removeprefix(_PERSON))
        if person is None:
            raise NotFoundError(f"There is nobody {delivery.target} any more.")
        if NAME not in person.identities:
            raise NoRecipientError(f"{person.name} has no identity {NAME}; add it in `people`.")
        return person

    async def planned(
        self,
        of: Sequence[tuple[DeliveryId, Request]],
        person: Principal,
        subject: str,
        leads: Sequence[tuple[Request, Kind]],
    ) -> tuple[MailThread, list[str]]:
        """The thread of these deliveries, kept before anything is sent, and a link for each of
        `leads`. Returned is that of the first one; all have the same ids."""
        address = await self.addresses.of(person)
        now = self._clock.now()

        def plan(connection: Connection) -> tuple[MailThread, list[str]]:
            known = (rows.thread(connection, delivery) for delivery, _ in of)
            message_id = next((each.message_id for each in known if each is not None), None)
            message_id = message_id or secrets.token_hex(_ID_BYTES)
            threads = [
                MailThread(
                    delivery_id=delivery,
                    message_id=message_id,
                    request_id=request.id,
                    principal_id=person.id,
                    address=address,
                    subject=subject,
                    told=SENDING,
                )
                for delivery, request in of
            ]
            for each in threads:
                rows.keep_thread(connection, each, now)
            urls = [self.links.add(connection, request, person, kind) for request, kind in leads]
            return threads[0], urls

        return await self._store.write(plan)

    async def begun(self, said: Letter, thread: MailThread, person: Principal, **more: str) -> None:
        """Send the first mail of a thread. If it was certainly not taken, nobody has it."""
        try:
            await self.send(said, thread, person, **more)
        except UnansweredError:
            raise
        except UnavailableError:
            await self._store.write(lambda c: rows.record(c, thread.message_id, told=""))
            raise

    async def send(
        self,
        said: Letter,
        thread: MailThread,
        person: Principal,
        *,
        told: str = "",
        mark: str = "",
        stop_url: str = "",
    ) -> None:
        """Hand it to the relay, and note what was `told`. A mail with a `mark` is a later one of
        its thread. Raises as `Channel.post`."""
        root = self.id_of(thread)
        address = await self.addresses.of(person)
        envelope = Envelope(
            sender=self._settings.sender,
            name=person.name,
            address=address,
            message_id=self.id_of(thread, mark) if mark else root,
            references=(root,) if mark else (),
            at=self._clock.now(),
            stop_url=stop_url,
            language=person.language or self._settings.language,
            marker=self._settings.subject_marker,
        )
        try:
            await self._relay.send(address, mail(said, envelope))
        except UnreachableError as exc:
            raise await self.addresses.closed(person, exc.reason) from exc
        await self.addresses.took(address)
        if told:
            await self._store.write(lambda c: rows.record(c, thread.message_id, told=told))

    def id_of(self, thread: MailThread, mark: str = "") -> str:
        """The `Message-ID` of its first mail, or of the later one with this mark."""
        return f"<{'.'.join(filter(None, [thread.message_id, mark]))}@{self._settings.domain}>"
